// Go's httputil.ReverseProxy: adds the token, reads the errcode of small responses, fetches a new token and replays
// once, and counts.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const judgedBytesMax = 4096

var refused = regexp.MustCompile(`"errcode": *(40001|40014|42001)\b`)

type replaying struct {
	transport *http.Transport
	target    string
	token     atomic.Value
}

func (r *replaying) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := keep(request)
	if err != nil {
		return nil, err
	}
	query := request.URL.RawQuery
	for replayed := false; ; replayed = true {
		request.URL.RawQuery = query + "&access_token=" + r.token.Load().(string)
		if body != nil {
			request.Body = io.NopCloser(bytes.NewReader(body))
		}
		response, err := r.transport.RoundTrip(request)
		if err != nil || response.ContentLength < 0 || response.ContentLength > judgedBytesMax {
			return response, err
		}
		answer, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			return nil, err
		}
		if replayed || !refused.Match(answer) || r.fetchToken() != nil {
			response.Body = io.NopCloser(bytes.NewReader(answer))
			return response, nil
		}
	}
}

func (r *replaying) fetchToken() error {
	client := http.Client{Transport: r.transport, Timeout: 5 * time.Second}
	response, err := client.Post(r.target+"/cgi-bin/stable_token", "application/json", strings.NewReader("{}"))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return err
	}
	r.token.Store(answer.Token)
	return nil
}

func keep(request *http.Request) ([]byte, error) {
	if request.Body == nil || request.Body == http.NoBody {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(request.Body, 20<<20))
	request.ContentLength = int64(len(body))
	request.TransferEncoding = nil
	return body, err
}

func main() {
	authority, err := os.ReadFile(os.Getenv("CA_FILE"))
	if err != nil {
		log.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	target, err := url.Parse(os.Getenv("TARGET"))
	if err != nil {
		log.Fatal(err)
	}
	transport := &replaying{target: target.String(), transport: &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: roots},
		MaxIdleConnsPerHost: 256,
		IdleConnTimeout:     time.Hour,
		DisableCompression:  true,
	}}
	transport.token.Store(os.Getenv("TOKEN"))
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(request *httputil.ProxyRequest) { request.SetURL(target) },
		Transport: transport,
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), counted(proxy)))
}

func counted(next http.Handler) http.Handler {
	var lock sync.Mutex
	counts := map[string]int{}
	durations := map[string]time.Duration{}
	return http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		start := time.Now()
		next.ServeHTTP(writer, request)
		lock.Lock()
		defer lock.Unlock()
		key := request.Method + request.URL.Path
		counts[key]++
		durations[key] += time.Since(start)
	})
}
