<?php

// Calls of WeChat through a sidecar, from PHP: no access_token, no AppSecret.

$base = getenv('WECHAT_SIDECAR_URL') ?: 'http://127.0.0.1:3880';
$appid = getenv('WECHAT_APPID') ?: 'wx000000000000de30';
// What wx.login() gave the mini-program. The simulator takes any code, once.
$code = $argv[1] ?? 'code-' . hrtime(true);

/** WeChat says what went wrong in the body, with HTTP 200. */
function answer(string $url, ?array $form = null): array
{
    $curl = curl_init($url);
    curl_setopt_array($curl, [CURLOPT_RETURNTRANSFER => true, CURLOPT_TIMEOUT => 30]);
    if ($form !== null) {
        curl_setopt($curl, CURLOPT_POSTFIELDS, $form);
    }
    $text = curl_exec($curl);
    if ($text === false) {
        throw new RuntimeException(curl_error($curl));
    }
    $body = json_decode($text, true, 512, JSON_THROW_ON_ERROR);
    if (($body['errcode'] ?? 0) !== 0) {
        throw new RuntimeException("{$body['errcode']}: {$body['errmsg']}");
    }
    return $body;
}

// A page for WeChat's browser, under `php -S localhost:8080 main.php`; the sidecar signs its URL, so that nobody here
// keeps a ticket.
if (PHP_SAPI === 'cli-server') {
    if (str_starts_with($_SERVER['REQUEST_URI'], '/jssdk-signature?')) {
        header('Content-Type: application/json');
        readfile("$base/__sidecar{$_SERVER['REQUEST_URI']}");
    } else {
        readfile(__DIR__ . '/../page.html');
    }
    return;
}

// A call without a token.
echo 'call: ', count(answer("$base/cgi-bin/get_api_domain_ip")['ip_list']), " addresses\n";

// An upload, likewise.
$picture = new CURLStringFile(str_repeat("\0", 200_000), '图片.jpg', 'image/jpeg');
echo 'upload: ', answer("$base/cgi-bin/media/upload?type=image", ['media' => $picture])['media_id'], "\n";

// A login: the sidecar fills in appid and secret.
$query = http_build_query(['js_code' => $code, 'grant_type' => 'authorization_code']);
echo 'login: ', answer("$base/sns/jscode2session?$query")['openid'], "\n";

// EasyWeChat, once `composer install` has put it here: it insists on a secret, and any will do.
if (is_file(__DIR__ . '/vendor/autoload.php')) {
    require __DIR__ . '/vendor/autoload.php';
    $app = new EasyWeChat\OfficialAccount\Application([
        'app_id' => $appid,
        'secret' => 'any',
        'http' => ['base_uri' => "$base/"],
    ]);
    $user = $app->getClient()->get('/cgi-bin/user/info', ['openid' => 'oExampleUser'])->toArray();
    echo 'EasyWeChat: ', $user['openid'], "\n";
}
