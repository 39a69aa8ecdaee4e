/** The response of GET /__sim/. */
export const CONTROL_PAGE = `wechat-sidecar simulator: control calls (JSON in, JSON out, from this machine only)

GET  /__sim/apps                  accounts, their counters, and the state of their tokens
GET  /__sim/arrivals?path=/cgi-*  the latest requests: raw target, raw headers, body hash, outcome
GET  /__sim/counters              calls by path and errcode, token fetches by account
GET  /__sim/rules                 the faults and delays in force
GET  /__sim/knobs                 how the open questions about the platform are settled
GET  /__sim/clock                 the platform's time, in Unix milliseconds
GET  /__sim/certificate           the certificate to trust, where https is on

POST /__sim/apps       {"appid":"wx…","secret":"…","tokenLifeMs":7200000, …}   make or change an account
POST /__sim/expire     {"appid":"wx…","mode":"stable|classic","inMs":0}        age tokens: 42001
POST /__sim/overwrite  {"appid":"wx…","mode":"…","graceMs":0}                  somebody else fetched: 40001
POST /__sim/revoke     {"appid":"wx…","mode":"…"}                              dead at once: 40001
POST /__sim/freeze     {"appid":"wx…"}                                         AppSecret frozen: 40243
POST /__sim/unfreeze   {"appid":"wx…"}
POST /__sim/delay      {"path":"/cgi-bin/*","ms":500}                          0 removes it
POST /__sim/break      {"path":"/cgi-bin/token","kind":"errcode","errcode":-1,"times":2}
                       kinds: errcode (errcode, errmsg), status (status, body), empty, reset,
                       resetAfterHeaders, truncated, slow (pieceBytes, everyMs), silent
                       any: method, times, early (before the request's body is read)
POST /__sim/answer     {"path":"/x","status":200,"headers":{},"body":"…" or "bodyBase64":"…",
                       "coding":"gzip|deflate|br","splitAt":[1,9],"pauseMs":0,"chunked":true,
                       "afterChecks":true, and path, method, times, early as above}
POST /__sim/endpoint   {"path":"/wxa/new","method":"POST","body":"{…}"}        one more path of the platform
POST /__sim/heal       {"path":"/cgi-bin/*"}                                   without a path: everything
POST /__sim/knobs      {"requireHttps":true, …}
POST /__sim/clock      {"advanceMs":7200000}                                   turn the clock forward
POST /__sim/clear                                                              forget arrivals and counters
POST /__sim/reset                                                              everything as at the start

Left out, "appid" and "mode" mean all accounts and both kinds of token.
`;
