/** As much of it as the tests use. */
declare module 'wechat-jssdk' {
  export class Store {
    constructor(options: { readonly noInterval: boolean });
    getGlobalToken(): Promise<object>;
  }
  export interface Options {
    readonly appId: string;
    readonly appSecret: string;
    readonly store: Store;
    readonly accessTokenUrl: string;
    readonly ticketUrl: string;
    readonly decodeCardCodeUrl: string;
    readonly miniProgram: {
      readonly appId: string;
      readonly appSecret: string;
      readonly GET_SESSION_KEY_URL: string;
    };
  }
  export class JSSDK {
    constructor(options: Options);
    static generateSignature(
      url: string,
      accessToken: string,
      ticket: string,
    ): {
      readonly nonceStr: string;
      readonly timestamp: string;
      readonly url: string;
      readonly signature: string;
    };
    getSignature(url: string, forceNew?: boolean): Promise<{ readonly signature: string }>;
    getGlobalTokenAndTicket(force: boolean): Promise<Record<string, unknown>>;
  }
  export class Card {
    constructor(options: Options);
    decryptCardCode(code: string): Promise<Record<string, unknown>>;
  }
  export class MiniProgram {
    constructor(options: Options);
    getSession(code: string): Promise<{ readonly openid: string; readonly session_key: string }>;
  }
}
