// A reverse proxy on hyper, on one thread: adds the token, reads the errcode of small responses, fetches a new token and
// replays once, and counts.
use bytes::Bytes;
use http_body_util::{combinators::BoxBody, BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{HeaderValue, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{connect::HttpConnector, Client};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::{pem::PemObject, CertificateDer};
use std::cell::RefCell;
use std::collections::HashMap;
use std::error::Error;
use std::rc::Rc;
use std::time::{Duration, Instant};

const JUDGED_BYTES_MAX: usize = 4096;
const BODY_BYTES_MAX: usize = 20 << 20;
const REFUSED: [i64; 3] = [40001, 40014, 42001];

type Failure = Box<dyn Error + Send + Sync>;
type Body = BoxBody<Bytes, hyper::Error>;

struct Proxy {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    target: String,
    host: HeaderValue,
    token: RefCell<String>,
    counts: RefCell<HashMap<String, (u64, Duration)>>,
}

impl Proxy {
    async fn serve(&self, request: Request<Incoming>) -> Result<Response<Body>, Failure> {
        let start = Instant::now();
        let (mut head, body) = request.into_parts();
        let body = Limited::new(body, BODY_BYTES_MAX).collect().await?.to_bytes();
        head.headers.remove(CONNECTION);
        head.headers.remove(TRANSFER_ENCODING);
        head.headers.insert(HOST, self.host.clone());
        let response = self.exchange(&head, body).await?;
        self.count(&head, start);
        Ok(response)
    }

    async fn exchange(&self, head: &Parts, body: Bytes) -> Result<Response<Body>, Failure> {
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let separator = if path.contains('?') { '&' } else { '?' };
        let mut replayed = false;
        loop {
            let uri = format!("{}{path}{separator}access_token={}", self.target, self.token.borrow());
            let mut request = Request::new(Full::new(body.clone()));
            *request.method_mut() = head.method.clone();
            *request.uri_mut() = uri.parse()?;
            *request.headers_mut() = head.headers.clone();
            let (answered, answer) = self.client.request(request).await?.into_parts();
            let length = answered.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
            if length.map_or(true, |bytes: usize| bytes > JUDGED_BYTES_MAX) {
                return Ok(Response::from_parts(answered, answer.boxed()));
            }
            let answer = answer.collect().await?.to_bytes();
            if replayed || !REFUSED.contains(&errcode(&answer)) || self.fetch_token().await.is_err() {
                return Ok(Response::from_parts(answered, Full::new(answer).map_err(|never| match never {}).boxed()));
            }
            replayed = true;
        }
    }

    async fn fetch_token(&self) -> Result<(), Failure> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}/cgi-bin/stable_token", self.target))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from_static(b"{}")))?;
        let answer = self.client.request(request).await?.into_body().collect().await?.to_bytes();
        let text = std::str::from_utf8(&answer)?;
        let token = text.split("\"access_token\":\"").nth(1).and_then(|rest| rest.split('"').next());
        *self.token.borrow_mut() = token.ok_or("no token")?.to_string();
        Ok(())
    }

    fn count(&self, head: &Parts, start: Instant) {
        let mut counts = self.counts.borrow_mut();
        let path = head.uri.path();
        if !counts.contains_key(path) {
            counts.insert(path.to_string(), (0, Duration::ZERO));
        }
        if let Some((count, duration)) = counts.get_mut(path) {
            *count += 1;
            *duration += start.elapsed();
        }
    }
}

/// Of a JSON object; 0 if there is none.
fn errcode(answer: &[u8]) -> i64 {
    const KEY: &[u8] = b"\"errcode\":";
    let Some(at) = answer.windows(KEY.len()).position(|bytes| bytes == KEY) else { return 0 };
    let rest = answer[at + KEY.len()..].trim_ascii_start();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).take(9);
    digits.fold(0, |code, byte| code * 10 + i64::from(byte - b'0'))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(std::env::var("CA_FILE")?)? {
        roots.add(certificate?)?;
    }
    let tls = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_only().enable_http1().wrap_connector(http);
    let target = std::env::var("TARGET")?;
    let host = target.split("//").nth(1).unwrap_or_default().parse()?;
    let proxy = Rc::new(Proxy {
        client: Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(256)
            .pool_idle_timeout(Duration::from_secs(3600))
            .build(connector),
        target,
        host,
        token: RefCell::new(std::env::var("TOKEN")?),
        counts: RefCell::default(),
    });
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{}", std::env::var("PORT")?)).await?;
    let serving = async {
        loop {
            let (socket, _) = listener.accept().await?;
            socket.set_nodelay(true)?;
            let proxy = proxy.clone();
            tokio::task::spawn_local(async move {
                let service = service_fn(|request| proxy.serve(request));
                // The caller went away, or sent something that is not HTTP.
                let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
            });
        }
    };
    tokio::task::LocalSet::new().run_until(serving).await
}
