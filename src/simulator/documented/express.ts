export const EXPRESS = `
POST /cgi-bin/express/business/account/
bind: ok
GET /cgi-bin/express/business/account/
getall: count# list[biz_id$ delivery_id create_time# update_time# status_code# alias remark_wrong_msg
  remark_content quota_num# quota_update_time#]
GET /cgi-bin/express/business/delivery/
getall: count# data[delivery_id delivery_name]
POST /cgi-bin/express/business/order/
add: delivery_resultcode# delivery_resultmsg order_id$ waybill_id$ waybill_data[key value]
cancel: ok delivery_resultcode# delivery_resultmsg
get: print_html waybill_data[key value] delivery_id waybill_id$ order_id$ order_status#
POST /cgi-bin/express/business/path/
get: openid delivery_id waybill_id$ path_item_num# path_item_list[action_time# action_type# action_msg]
GET /cgi-bin/express/business/printer/
getall: count# openid[.] tagid_list[$]
POST /cgi-bin/express/business/printer/
update: ok
POST /cgi-bin/express/business/quota/
get: quota_num#
POST /cgi-bin/express/business/
test_update_order: ok
POST /cgi-bin/express/delivery/contact/
get: waybill_id$ sender{address name tel mobile} receiver{address name tel mobile}
POST /cgi-bin/express/delivery/no_worry_return/
add: ok return_id$
get: ok status$ waybill_id order_status# delivery_name delivery_id
unbind: ok
POST /cgi-bin/express/delivery/open_msg/
follow_waybill trace_waybill: ok waybill_token
get_delivery_list: errcode# delivery_list[delivery_id delivery_name] count#
open_openmsg open_query_plugin update_follow_waybill_goods update_waybill_goods: ok
query_follow_trace query_trace: ok waybill_info{status# waybill_id}
  shop_info{goods_info{detail_list[goods_name goods_img_url]}}
POST /cgi-bin/express/delivery/path/
update: ok
POST /cgi-bin/express/delivery/return/
add: ok return_id$
get: ok status$ waybill_id order_status# delivery_name delivery_id
open_return unbind: ok
POST /cgi-bin/express/delivery/service/
business/update: ok
POST /cgi-bin/express/delivery/single_waybill/
cancel_order evaluate_feedback fee refund_order update: ok
POST /cgi-bin/express/delivery/template/
preview: waybill_id$ rendered_waybill_template
POST /cgi-bin/express/intracity/
addorder: ok service_trans_id wx_store_id$ store_order_id distance# fee# trans_order_id
apply createstore querystore updatestore: ok
balancequery: appid wx_store_id$ all_balance# balance_detail[balance# service_trans_id service_trans_name
  order_list[payorder_id$ unused_amt# charge_amt# begin_time# end_time#]] errcode# errmsg
cancelorder: ok wx_order_id$ store_order_id wx_store_id$ appid order_status# deductfee#
preaddorder: ok distance# est_fee# service_trans_id promise_delivery_time# expected_finished_time#
queryorder: wx_order_id$ store_order_id order_status# appid user_openid service_trans_id delivery_no distance#
  actualfee# deductfee# create_time# expected_finish_time# store_info{phone_num address lng# lat# store_name}
  receiver_info{phone_num address lng# lat#} cargo_info{cargo_name cargo_weight# cargo_price# cargo_num#
  cargo_type# item_list[item_name item_num# item_pic_url]} errcode# errmsg
POST /cgi-bin/express/local/business/
delivery/getall: resultcode# resultmsg list[delivery_id delivery_name]
open order/addtips order/confirm_return realmock_update_order shop/add test_update_order update_order:
  resultcode# resultmsg
order/add order/readd: resultcode# resultmsg fee# deliverfee# couponfee# tips# insurancefee# distance#
  waybill_id$ order_status# finish_code# pickup_code# dispatch_duration#
order/cancel order/precancel: resultcode# resultmsg deduct_fee# desc
order/get: resultcode# resultmsg order_status# waybill_id$ rider_name rider_phone rider_lng# rider_lat#
  reach_time#
order/pre_add: resultcode# resultmsg fee# deliverfee# couponfee# tips# insurancefee# distance#
  dispatch_duration# delivery_token$
shop/get: resultcode# resultmsg shop_list[delivery_id shopid$ audit_result#]
`;
