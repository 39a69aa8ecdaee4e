import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import me.chanjar.weixin.mp.api.impl.WxMpServiceImpl;
import me.chanjar.weixin.mp.config.WxMpHostConfig;
import me.chanjar.weixin.mp.config.impl.WxMpDefaultConfigImpl;

/** Calls of WeChat through a sidecar, from Java: no access_token, no AppSecret. */
public class Main {
  private static final String BASE = setting("WECHAT_SIDECAR_URL", "http://127.0.0.1:3880");
  private static final String APPID = setting("WECHAT_APPID", "wx000000000000de30");
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  public static void main(String[] args) throws Exception {
    // A call without a token.
    JsonObject call = answerOf(get("/cgi-bin/get_api_domain_ip"));
    System.out.println("call: " + call.getAsJsonArray("ip_list").size() + " addresses");

    // An upload, likewise.
    HttpRequest upload =
        HttpRequest.newBuilder(URI.create(BASE + "/cgi-bin/media/upload?type=image"))
            .header("Content-Type", "multipart/form-data; boundary=example")
            .POST(HttpRequest.BodyPublishers.ofByteArray(form(new byte[200_000])))
            .build();
    System.out.println("upload: " + answerOf(upload).get("media_id").getAsString());

    // A login: the sidecar fills in appid and secret.
    // What wx.login() gave the mini-program. The simulator takes any code, once.
    String code = args.length > 0 ? args[0] : "code-" + System.nanoTime();
    String query = "js_code=" + code + "&grant_type=authorization_code";
    JsonObject login = answerOf(get("/sns/jscode2session?" + query));
    System.out.println("login: " + login.get("openid").getAsString());

    // WxJava: it insists on a secret, and any will do.
    WxMpDefaultConfigImpl config = new WxMpDefaultConfigImpl();
    config.setAppId(APPID);
    config.setSecret("any");
    config.setHostConfig(WxMpHostConfig.builder().apiHost(BASE).build());
    WxMpServiceImpl wxMp = new WxMpServiceImpl();
    wxMp.setWxMpConfigStorage(config);
    System.out.println("WxJava: " + wxMp.getUserService().userInfo("oExampleUser").getOpenId());

    // The page for WeChat's browser, if PORT says where.
    String port = System.getenv("PORT");
    if (port != null) {
      HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(port)), 0);
      server.createContext("/", exchange -> respond(exchange, "text/html; charset=utf-8", page()));
      server.createContext("/jssdk-signature", exchange -> respond(exchange, "application/json", sign(exchange)));
      server.start();
      System.out.println("page: http://localhost:" + port + "/");
    }
  }

  private static String setting(String name, String fallback) {
    return System.getenv().getOrDefault(name, fallback);
  }

  private static HttpRequest get(String path) {
    return HttpRequest.newBuilder(URI.create(BASE + path)).build();
  }

  /** WeChat says what went wrong in the body, with HTTP 200. */
  private static JsonObject answerOf(HttpRequest request) throws Exception {
    String text = HTTP.send(request, HttpResponse.BodyHandlers.ofString()).body();
    JsonObject body = JsonParser.parseString(text).getAsJsonObject();
    if (body.has("errcode") && body.get("errcode").getAsInt() != 0) {
      throw new IllegalStateException(text);
    }
    return body;
  }

  private static byte[] page() throws IOException {
    return Files.readAllBytes(Path.of("../page.html"));
  }

  /** The sidecar signs the page's URL, so that nobody here keeps a ticket. */
  private static byte[] sign(HttpExchange exchange) throws IOException {
    HttpRequest request = get("/__sidecar/jssdk-signature?" + exchange.getRequestURI().getRawQuery());
    try {
      return HTTP.send(request, HttpResponse.BodyHandlers.ofByteArray()).body();
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  private static void respond(HttpExchange exchange, String kind, byte[] body) throws IOException {
    exchange.getResponseHeaders().set("Content-Type", kind);
    exchange.sendResponseHeaders(200, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  private static byte[] form(byte[] file) throws Exception {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    String head =
        "--example\r\nContent-Disposition: form-data; name=\"media\"; filename=\"图片.jpg\"\r\n"
            + "Content-Type: image/jpeg\r\n\r\n";
    body.write(head.getBytes(StandardCharsets.UTF_8));
    body.write(file);
    body.write("\r\n--example--\r\n".getBytes(StandardCharsets.UTF_8));
    return body.toByteArray();
  }
}
