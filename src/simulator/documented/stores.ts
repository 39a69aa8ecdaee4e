export const STORES = `
POST /channels/ec/aftersale/
acceptapply acceptexchangereship addcomplaintmaterial addcomplaintproof merchantacceptguarantee
  merchantmodifyguarantee merchantproofguarantee merchantrefuseguarantee merchantupdateaftersale rejectapply
  rejectexchangereship uploadrefundcertificate: ok
applyvirtualtelnum: ok virtual_tel_number virtual_tel_expire_time#
genaftersaleorder refundpricediff: ok after_sale_order_id$
getaftersalelist getpresentaftersalelist: ok after_sale_order_id_list[$] has_more? next_key
getaftersaleorder: errcode# after_sale_order{after_sale_order_id$ status=MERCHANT_REFUND_SUCCESS openid
  order_id$ product_info{product_id$ sku_id$ count# voucher_list[vourcher_code] gift_product_list[product_id$
  sku_id$ count# task_id#]} details{desc receive_product? cancel_time# media_id_list[] tel_number
  wxa_vip_discounted_price#} refund_info{amount# refund_reason#} return_info{waybill_id delivery_id
  delivery_name} merchant_upload_info{reject_reason refund_certificates[]} create_time# update_time#
  reason=NO_LONGER_WANT refund_resp{code ret# message} type=REFUND gen_scene#}
getcomplaintorder: ok order_id$ after_sale_order_id$ history[item_type# time# media_id_list[] content
  phone_number complaint_type# after_sale_type# after_sale_reason#]
getguaranteeorder: ok guarantee_order{guarantee_order_id$ order_id$ type# order_type# status openid
  apply_reason_type# apply_reason expire_time# product_info{product_id$ sku_id$ title thumb_img product_cnt#
  real_price#}}
getpresentaftersaleorder: errcode# after_sale_order{after_sale_order_id$ present_order_id$
  status=MERCHANT_REFUND_SUCCESS openid unionid create_time# update_time# refund_info{amount#}
  order_info_list[order_id$ refund_info{amount#} product_info_list[product_id$ sku_id$ count#
  refund_info{amount#}]]}
reason/get: ok reason_list[reason$ reason_text]
rejectreason/get: ok reason_list[reject_reason_type# reject_reason_type_text reject_reason reject_scene#]
searchguaranteeorder: ok guarantee_order_list[guarantee_order_id$ order_id$ type# order_type# status openid]
POST /channels/ec/basics/
addresscode/get: ok addrs_msg{name code# level#} next_level_addrs[name code# level#]
homepage/background/apply/cancel homepage/background/remove homepage/banner/apply/cancel
  homepage/banner/remove: ok
homepage/background/apply/submit homepage/banner/apply/submit: ok apply_id#
homepage/background/get: ok img_url apply{apply_id# state# audit_desc img_url}
homepage/banner/get: ok banner{scale# banner[type# product{product_id#} banner{img_url title description}
  finder{finder_user_name feed_id} official_account{url}]} apply{apply_id# state# scale# banner[audit_state#
  audit_desc banner{type# product{product_id#} banner{img_url title description}}]}
img/upload: ok pic_file{media_id pay_media_id img_url}
qualification/upload: ok data{file_id}
shop/h5url/get: ok shop_h5url
shop/qrcode/get: ok shop_qrcode
shop/taglink/get: ok shop_taglink
GET /channels/ec/basics/
info/get: ok info{nickname headimg_url subject_type status username}
POST /channels/ec/coupon/
create: ok data{coupon_id$}
get: errcode# coupon{coupon_id$ type# status# create_time# update_time# coupon_info{name
  promote_info{promote_type#} discount_info{discount_num#} receive_info{end_time# limit_num_one_person#
  start_time# total_num#} valid_info{valid_type# valid_day_num# start_time# end_time#}} stock_info{issued_num#
  receive_num# used_num#}}
get_list: ok coupons[coupon_id$] total_num# page_ctx
get_user_coupon: errcode# openid unionid user_coupon{user_coupon_id$ coupon_id$ status# create_time#
  update_time# start_time# end_time# ext_info{use_time#} order_id$ discount_fee#}
get_user_coupon_list: errcode# user_coupon_list[user_coupon_id$ coupon_id$] total_num# page_ctx
update update_status: ok
POST /channels/ec/funds/
getbalance: available_amount# pending_amount# sub_mchid$
getbankacct: account_info{bank_account_type=ACCOUNT_TYPE_PRIVATE account_bank bank_address_code
  account_number$}
getfundsflowdetail: ok funds_flow{flow_id$ funds_type# flow_type# amount# balance#
  related_info_list[related_type# aftersale_id$ transaction_id$ order_id$]}
getfundsflowlist: ok flow_ids[$] has_more? next_key
getwithdrawdetail: amount# create_time# update_time# reason remark bank_memo bank_name bank_num status=SUCCESS
getwithdrawlist: withdraw_ids[.] total_num#
setbankacct: ok
submitwithdraw: ok qrcode_ticket
POST /channels/ec/merchant/
addfreighttemplate: ok template_id$
address/add: address_id$
address/delete address/update privatenumber/sendverifycode updatefreighttemplate: ok
address/get: ok address_detail{address_id# address_info{user_name postal_code province_name city_name
  county_name detail_info tel_number lat# lng# house_number$} landline remark send_addr# default_send#
  recv_addr# default_recv# create_time# update_time# address_type{same_city# pickup#}}
address/list: address_id_list[$]
getfreighttemplatedetail: ok freight_template{template_id$ name valuation_type=PIECE send_time
  address_info{user_name postal_code province_name city_name county_name detail_info tel_number}
  delivery_type=EXPRESS delivery_id[] shipping_method=FREE
  all_condition_free_detail{condition_free_detail_list[]} all_freight_calc_method{freight_calc_method_list[]}
  create_time# update_time# is_default? not_send_area{address_info[]}}
getfreighttemplatelist: ok template_id_list[$]
privatenumber/addphone: ok qrcode_url status#
privatenumber/getphone: status# fail_reason errcode# errmsg
POST /channels/ec/order/
address/update addressmodify/accept addressmodify/reject delivery/compensation delivery/send
  deliveryinfo/update dropship/assign dropship/cancel dropship/supplier/delivery/send
  dropship/supplier/delivery/update freshinspect/submit merchantnotes/update presentnote/add
  presentorder/receiver/set preshipmentchangesku/approve preshipmentchangesku/reject price/update: ok
deliverycompanylist/get deliverycompanylist/new/get: ok company_list[delivery_id delivery_name]
dropship/get: ok dropship_order{ds_order_id# create_time# update_time# status# supplier_appid supplier_name
  order_id#}
dropship/list dropship/search dropship/supplier/list dropship/supplier/search: ok ds_order_id_list[$]
  next_page{offset# limit#} total#
dropship/supplier/get: ok dropship_order{ds_order_id$ create_time# update_time# status# shop_appid shop_name
  order_id$}
get: ok order{order_id$ status# create_time# update_time# order_detail{product_infos[product_id$ sku_id$
  sku_cnt# on_aftersale_sku_cnt# finish_aftersale_sku_cnt# title thumb_img sale_price# market_price#
  sku_attrs[attr_key attr_value]] pay_info{prepay_id$ transaction_id$ prepay_time# pay_time# payment_method#}
  price_info{product_price# order_price# freight# discounted_price# is_discounted?}
  delivery_info{address_info{user_name postal_code province_name city_name county_name detail_info tel_number}
  delivery_product_info[waybill_id$ delivery_id delivery_time# deliver_type# product_infos[product_id$ sku_id$
  product_cnt#]] ship_done_time# deliver_method#} coupon_info{user_coupon_id$} ext_info{customer_notes
  merchant_notes finder_id live_id order_scene#} sharer_info{sharer_openid sharer_unionid sharer_type#
  share_scene# handling_progress#} settle_info{commission_fee# predict_commission_fee#}
  sku_sharer_infos[sharer_openid sharer_unionid sharer_type# share_scene# sku_id$]}
  aftersale_detail{aftersale_order_list[aftersale_order_id$ status#] on_aftersale_order_cnt#} openid}
list/get: ok order_id_list[$] next_key has_more?
present/get: ok present{present_order_id$ create_time# present_detail{price_info{order_price#}
  pay_info{pay_time#} wishmessage} sub_order_list[order_id$ openid status#] is_b2c_free_present? activity_id$}
presentlist/get: ok present_order_list[present_order_id$] next_key
presentorder/create: ok present_order_id$
presentorder/get: ok present_order_info{ecsgift{gifts{gift[order_id# wishmessage giftstatus#]} user_type#}}
presentorderlist/get: ok present_order_list[present_order_id$ order_id[$]]
presentsuborder/get preshipmentchangesku/get: ok order_ids[$]
realnumber/apply: ok task_id$
realnumberviewaudit/get: ok apply_time# audit_state# apply_reason task_id#
receiverorderlist/get: order_list[present_order_id$ order_id$] errcode# errmsg next_key
search: ok orders[$] has_more? next_key
sensitiveinfo/decode: ok address_info{user_name postal_code province_name city_name county_name detail_info
  tel_number}
virtualnumber/applyagain: ok virtual_number$ extension$ apply_quota#
virtualnumber/delay: ok expiration# available_extend_num#
virtualtelnumber/get: ok virtual_tel_number virtual_tel_expire_time# get_virtual_tel_cnt#
POST /channels/ec/product/
activity/add: ok activity_id$
add: ok data{product_id# create_time}
audit/cancel auditfree auditstrategy/set delete delisting gift/stock/update limiteddiscounttask/delete
  limiteddiscounttask/stop listing locallife/auditfree locallife/update stock/update: ok
auditstrategy/get: ok audit_strategy{hide_err_field_flag# hit_duplicated_flag# hit_low_risk_rule_flag#}
category/classify: ok categories[cats[cat_info{cat_id$} has_permission?]]
categoryprecheck: ok all_pass? fail_reasons[]
externalproductmapping: ok external_attribute_name external_attribute_value internal_attribute_name
  internal_attribute_value[.]
get: ok product{product_id$ out_product_id title short_title head_imgs[.] desc_info{imgs[.]} cats[]
  cats_v2[cat_id$] attrs[attr_key attr_value] express_info{template_id$} status# edit_status# skus[sku_id$
  out_sku_id thumb_img sale_price# stock_num# sku_code sku_attrs[attr_key attr_value] status#] min_price#
  spu_code product_qua_infos[qua_id# qua_url[.]]}
getauditquota: ok audit_quota{block_status? avail_quota# total_quota#}
gift/add: ok data{product_id$ create_time}
gift/get: product{product_id$ title head_imgs[.] desc_info{imgs[.] desc} cats_v2[cat_id$] attrs[attr_key
  attr_value] skus[sku_id$ sale_price#] spu_code brand_id$}
gift/list/get list/get: ok product_ids[$] next_key total_num#
gift/onsale/set: ok data{src_product_id$ gift_product_id$ sku_mappings[src_sku_id$ gift_sku_id$]}
gift/update update: ok data{product_id$ update_time}
h5url/get: ok product_h5url
limiteddiscounttask/add: ok task_id$
limiteddiscounttask/list/get: ok limited_discount_tasks[task_id$ product_id$ status# create_time# start_time#
  end_time# limited_discount_skus[sku_id$ sale_price# sale_stock#]] next_key total_num#
locallife/add: ok data{product_id$ sku_ids[$]}
locallife/get: ok draft_data{product_id$ out_product_id product_type# product_name category_id$ brand_id$
  head_imgs[.] verify_page{appid path} code_source_type# attr_kv_map{voucher_amount$ use_date_rule
  exclusive_date settle_type$ need_phone_num bring_out_type$ refund_policy$ use_time} skus[sku_id$ sale_price#
  stock_num#] draft_status# audit_result{audit_status#}}
locallife/list/get: ok product_ids[#] next_key total_num#
qrcode/get: ok product_qrcode
scheme/get: ok openlink
stock/batchget: ok data{spu_stock_list[product_id$ sku_stock[sku_id$ normal_stock_num#
  limited_discount_stock_num# warehouse_stocks[out_warehouse_id num# lock_stock#] finder_total_num#
  total_stock_num#]]}
stock/get: ok data{normal_stock_num# limited_discount_stock_num# warehouse_stocks[out_warehouse_id num#]
  total_stock_num#}
stock/getflow: ok data{stock_flow_info_list[amount# beginning_amount# ending_amount# stock_sub_type# op_type#
  update_time# ext_info{move_to_stock_sub_type# upload_source# order_id$ out_warehouse_id limited_discount_id$
  finder_id}] next_key}
taglink/get: ok product_taglink
`;
