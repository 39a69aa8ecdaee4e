export const SERVICES = `
POST /wxaapi/broadcast/
getgoodswarehouse: ok goods[goods_id# cover_img_url name price# url price_type# price2# audit_status#
  third_party_tag#] total#
goods/add: goodsId# auditId# errcode#
goods/audit: errcode# auditId#
goods/delete goods/onsale goods/push goods/resetaudit goods/sort goods/update room/addassistant room/addgoods
  room/deleteroom room/editroom room/modifyassistant room/removeassistant room/updatecomment
  room/updatefeedpublic room/updatekf room/updatereplay: ok
room/create: roomId# errcode# qrcode_url
GET /wxaapi/broadcast/
goods/getapproved: errcode# total# goods[goodsId# coverImgUrl name price# url priceType# price2#
  thirdPartyTag#]
room/getassistantlist: list[timestamp# headimg nickname alias openid] count# maxCount# errcode#
room/getpushurl: pushAddr errcode#
room/getsharedcode: cdnUrl pagePath posterUrl errcode#
GET /wxaapi/feedback/
list: list[record_id# create_time# content phone# openid nickname head_url type# mediaIds[] systemInfo]
  total_num# errcode#
GET /wxaapi/log/
get_client_version: ok cvlist[type# client_version_list[]]
get_scene: ok scene[name value]
POST /wxaapi/log/
get_performance: default_time_data compare_time_data errcode#
jserr_detail: data[Count$ sdkVersion ClientVersion errorStackMd5 TimeStamp appVersion errorMsgMd5 errorMsg
  errorStack Ds OsName openId pluginversion$ appId DeviceModel source route Uin nickname] totalCount# errcode#
jserr_list: data[errorMsgMd5 errorMsg uv# pv# errorStackMd5 errorStack pvPercent uvPercent] totalCount#
  errcode#
POST /wxaapi/newtmpl/
addtemplate: errmsg errcode# priTmplId
deltemplate: ok
GET /wxaapi/newtmpl/
getcategory: ok data[id# name]
getpubtemplatekeywords: ok data[kid# name example rule]
getpubtemplatetitles: ok count# data[tid# title type# categoryId$]
gettemplate: ok data[priTmplId title content example type# keywordEnumValueList[enumValueList[.] keywordCode]]
GET /wxaapi/userlog/
userlog_search: ok data{list[level# platform# libraryVersion clientVersion id timestamp# msg[time# msg[.]
  level#] url traceid filterMsg] total#}
POST /xpay/
bind_transfer_accout create_withdraw_order notify_provide_goods start_publish_goods start_upload_goods: ok
cancel_currency_pay: ok order_id
create_funds_bill: ok bill_id
currency_pay: ok order_id balance# used_present_amount#
download_bill: ok url
present_currency: ok order_id balance# present_balance#
query_adver_funds: ok adver_funds_list[settle_begin# settle_end# total_amount# remain_amount# expire_time#
  fund_type# fund_id] total_page#
query_biz_balance: ok balance_available{amount# currency_code}
query_funds_bill: ok total_page# bill_list[bill_id oper_time# settle_begin# settle_end# fund_id
  transfer_account_name transfer_account_uid# transfer_amount# status#]
query_order: ok order{order_id create_time# update_time# status# biz_type# order_fee# coupon_fee# paid_fee#
  order_type# refund_fee# paid_time# provide_time# biz_meta env_type# token left_fee# wx_order_id
  channel_order_id wxpay_order_id}
query_publish_goods: ok publish_item[id publish_status# errmsg] status#
query_recover_bill: ok total_page# bill_list[bill_id recover_time# settle_begin# settle_end# fund_id
  recover_account_name recover_amount# refund_order_list[.]]
query_transfer_account: ok acct_list[transfer_account_name transfer_account_uid# transfer_account_agency_id#
  transfer_account_agency_name]
query_upload_goods: ok upload_item[id name price# remark item_url upload_status# errmsg] status#
query_user_balance: ok balance#100 present_balance#0 sum_save#100 sum_present#0 sum_balance#100 sum_cost#0
  first_save_flag#1
query_withdraw_order: ok withdraw_no status# withdraw_amount$ wx_withdraw_no withdraw_success_timestamp#
  create_time# fail_reason
refund_order: ok refund_order_id refund_wx_order_id pay_order_id pay_wx_order_id
`;
