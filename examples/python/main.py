"""Calls of WeChat through a sidecar, from Python: no access_token, no AppSecret."""

import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter
from wechatpy import WeChatClient

BASE = os.environ.get("WECHAT_SIDECAR_URL", "http://127.0.0.1:3880")
APPID = os.environ.get("WECHAT_APPID", "wx000000000000de30")
# What wx.login() gave the mini-program. The simulator takes any code, once.
CODE = sys.argv[1] if len(sys.argv) > 1 else f"code-{time.time_ns()}"


def answer_of(response):
    """WeChat says what went wrong in the body, with HTTP 200."""
    body = response.json()
    if body.get("errcode", 0) != 0:
        raise RuntimeError(f"{body['errcode']}: {body['errmsg']}")
    return body


class ToSidecar(HTTPAdapter):
    """Sends what is for WeChat to the sidecar; wechatpy has the host wired in."""

    def send(self, request, **options):
        request.url = request.url.replace("https://api.weixin.qq.com", BASE, 1)
        return super().send(request, **options)


class JsSdkPage(BaseHTTPRequestHandler):
    """A page for WeChat's browser; the sidecar signs its URL, so that nobody here keeps a ticket."""

    def do_GET(self):
        if self.path.startswith("/jssdk-signature?"):
            kind, body = "application/json", requests.get(f"{BASE}/__sidecar{self.path}", timeout=10).content
        else:
            kind, body = "text/html; charset=utf-8", Path("../page.html").read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body)


# A call without a token.
call = answer_of(requests.get(f"{BASE}/cgi-bin/get_api_domain_ip", timeout=10))
print("call:", len(call["ip_list"]), "addresses")

# An upload, likewise.
files = {"media": ("图片.jpg", b"\xff\xd8\xff" + bytes(200_000), "image/jpeg")}
upload = answer_of(requests.post(f"{BASE}/cgi-bin/media/upload?type=image", files=files, timeout=30))
print("upload:", upload["media_id"])

# A login: the sidecar fills in appid and secret.
query = {"js_code": CODE, "grant_type": "authorization_code"}
login = answer_of(requests.get(f"{BASE}/sns/jscode2session", params=query, timeout=10))
print("login:", login["openid"])

# wechatpy: it insists on a secret, and any will do. WeChatOAuth has a `_http` of its own: mount it there too.
client = WeChatClient(APPID, "any")
client._http.mount("https://api.weixin.qq.com", ToSidecar())
print("wechatpy:", client.user.get("oExampleUser")["openid"])

# The page for WeChat's browser, if PORT says where.
if "PORT" in os.environ:
    print(f"page: http://localhost:{os.environ['PORT']}/", flush=True)
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), JsSdkPage).serve_forever()
