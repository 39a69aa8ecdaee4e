/** As much of it as the tests use. */
declare module 'co-wechat-api' {
  export default class WechatApi {
    /** Where it sends its calls. */
    prefix: string;
    constructor(appid: string, secret: string);
    getUser(openid: string): Promise<Record<string, unknown>>;
    sendText(openid: string, text: string): Promise<Record<string, unknown>>;
    uploadMedia(
      bytes: Buffer,
      type: string,
      filename: string,
      mime: string,
    ): Promise<Record<string, unknown>>;
    getMedia(mediaId: string): Promise<Buffer>;
    getMenu(): Promise<Record<string, unknown>>;
    getTicket(type?: string): Promise<{ readonly ticket: string }>;
  }
}
