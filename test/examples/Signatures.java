import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import me.chanjar.weixin.common.bean.WxJsapiSignature;
import me.chanjar.weixin.mp.api.impl.WxMpServiceImpl;
import me.chanjar.weixin.mp.config.WxMpHostConfig;
import me.chanjar.weixin.mp.config.impl.WxMpDefaultConfigImpl;

/** Has WxJava sign each page of standard input, with the ticket that it gets from the sidecar. */
public class Signatures {
  public static void main(String[] args) throws Exception {
    WxMpDefaultConfigImpl config = new WxMpDefaultConfigImpl();
    config.setAppId(System.getenv("WECHAT_APPID"));
    config.setSecret("any");
    config.setHostConfig(WxMpHostConfig.builder().apiHost(System.getenv("WECHAT_SIDECAR_URL")).build());
    WxMpServiceImpl wxMp = new WxMpServiceImpl();
    wxMp.setWxMpConfigStorage(config);
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String page = in.readLine(); page != null; page = in.readLine()) {
      WxJsapiSignature signed = wxMp.createJsapiSignature(page);
      out.println(signed.getTimestamp() + " " + signed.getNonceStr() + " " + signed.getSignature());
    }
    out.flush();
  }
}
