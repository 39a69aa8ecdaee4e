// Calls of WeChat through a sidecar, from Go: no access_token, no AppSecret.
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/silenceper/wechat/v2"
	"github.com/silenceper/wechat/v2/cache"
	"github.com/silenceper/wechat/v2/officialaccount/config"
)

var (
	base  = cmp.Or(os.Getenv("WECHAT_SIDECAR_URL"), "http://127.0.0.1:3880")
	appid = cmp.Or(os.Getenv("WECHAT_APPID"), "wx000000000000de30")
)

// answer is what WeChat says; what went wrong stands in it, with HTTP 200.
type answer struct {
	Errcode int      `json:"errcode"`
	Errmsg  string   `json:"errmsg"`
	IPList  []string `json:"ip_list"`
	MediaID string   `json:"media_id"`
	OpenID  string   `json:"openid"`
}

// code is what wx.login() gave the mini-program. The simulator takes any, once.
func code() string {
	if len(os.Args) > 1 {
		return os.Args[1]
	}
	return fmt.Sprint("code-", time.Now().UnixNano())
}

func answerOf(response *http.Response, err error) answer {
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	var body answer
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		log.Fatal(err)
	}
	if body.Errcode != 0 {
		log.Fatalf("%d: %s", body.Errcode, body.Errmsg)
	}
	return body
}

// toSidecar sends what is for WeChat to the sidecar; silenceper/wechat has the host wired in.
type toSidecar struct{ target *url.URL }

func (t toSidecar) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Host == "api.weixin.qq.com" {
		request = request.Clone(request.Context())
		request.URL.Scheme, request.URL.Host, request.Host = t.target.Scheme, t.target.Host, t.target.Host
	}
	return http.DefaultTransport.RoundTrip(request)
}

// servePage serves a page for WeChat's browser; the sidecar signs its URL, so that nobody here keeps a ticket.
func servePage(port string) {
	http.HandleFunc("/jssdk-signature", func(w http.ResponseWriter, r *http.Request) {
		response, err := http.Get(base + "/__sidecar/jssdk-signature?" + r.URL.RawQuery)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer response.Body.Close()
		w.Header().Set("Content-Type", "application/json")
		io.Copy(w, response.Body)
	})
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "../page.html") })
	fmt.Printf("page: http://localhost:%s/\n", port)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+port, nil))
}

func main() {
	// A call without a token.
	call := answerOf(http.Get(base + "/cgi-bin/get_api_domain_ip"))
	fmt.Println("call:", len(call.IPList), "addresses")

	// An upload, likewise.
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, _ := form.CreateFormFile("media", "图片.jpg")
	file.Write(make([]byte, 200_000))
	form.Close()
	upload := answerOf(http.Post(base+"/cgi-bin/media/upload?type=image", form.FormDataContentType(), &body))
	fmt.Println("upload:", upload.MediaID)

	// A login: the sidecar fills in appid and secret.
	query := url.Values{"js_code": {code()}, "grant_type": {"authorization_code"}}
	login := answerOf(http.Get(base + "/sns/jscode2session?" + query.Encode()))
	fmt.Println("login:", login.OpenID)

	// silenceper/wechat: it insists on a secret, and any will do.
	target, err := url.Parse(base)
	if err != nil {
		log.Fatal(err)
	}
	wc := wechat.NewWechat()
	wc.SetHTTPClient(&http.Client{Transport: toSidecar{target}})
	account := wc.GetOfficialAccount(&config.Config{AppID: appid, AppSecret: "any", Cache: cache.NewMemory()})
	user, err := account.GetUser().GetUserInfo("oExampleUser")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("silenceper/wechat:", user.OpenID)

	// The page for WeChat's browser, if PORT says where.
	if port := os.Getenv("PORT"); port != "" {
		servePage(port)
	}
}
