export const CARDS_AND_FIGURES = `
POST /card/
batchget: ok card_id_list[.] total_num#
create: ok card_id
delete modifystock: ok
get: ok card{card_type=DISCOUNT discount{base_info{id logo_url code_type=CODE_TYPE_NONE brand_name title
  date_info{type=DATE_TYPE_FIX_TERM fixed_term# fixed_begin_term#} color notice description
  location_id_list[#] get_limit# can_share? can_give_friend? status=CARD_STATUS_VERIFY_OK sku{quantity#
  total_quantity#} create_time# update_time#} discount# advanced_info{time_limit[type=MONDAY]
  text_image_list[] business_service[] abstract{abstract icon_url_list[.]}}}}
update: ok send_check?
POST /card/boardingpass/
checkin: ok
POST /card/code/
checkcode: ok exist_code[.] not_exist_code[]
consume: ok card{card_id} openid
decrypt: ok code
deposit unavailable update: ok
get: ok card{card_id begin_time# end_time#} openid can_consume? nickname membership_number$ bonus#
  user_info{common_field_list[name value] custom_field_list[]} user_card_status=NORMAL
getdepositcount: ok count#
POST /card/generalcard/
updateuser: ok result_bonus# result_balance# openid
GET /card/
getapplyprotocol: category[primary_category_id# category_name secondary_category[secondary_category_id#
  category_name need_qualification_stuffs[.]]] errcode# errmsg
getcolors: ok
POST /card/landingpage/
create: ok url page_id#
POST /card/meetingticket/
updateuser: ok
POST /card/membercard/
activate activateuserform/set: ok
activate/geturl: ok url
activatetempinfo/get: ok info{common_field_list[name value] custom_field_list[]}
updateuser: ok result_bonus# result_balance# openid
userinfo/get: ok openid nickname membership_number$ bonus# user_info{common_field_list[name value]
  custom_field_list[]} user_card_status=NORMAL
POST /card/movieticket/
updateuser: ok
POST /card/mpnews/
gethtml: ok content
POST /card/paycell/
set: ok
POST /card/qrcode/
create: ok ticket expire_seconds# url show_qrcode_url
POST /card/selfconsumecell/
set: ok
POST /card/testwhitelist/
set: ok
POST /card/user/
getcardlist: ok card_list[code card_id] has_share_card?
POST /customservice/kfaccount/
add inviteworker update: ok
GET /customservice/kfaccount/
canceladmin del setadmin: ok
POST /customservice/kfsession/
close create: ok
GET /customservice/kfsession/
getsession: createtime# kf_account
getsessionlist: sessionlist[createtime# openid]
getwaitcase: count# waitcaselist[latest_time# openid]
POST /customservice/msgrecord/
getmsglist: recordlist[openid opercode# text time# worker] number# msgid#
getrecord: ok
POST /customservice/work/
bind unbind: ok
get: errcode# entityName corpid bindTime#
POST /cv/img/
aicrop: ok results[crop_left# crop_top# crop_right# crop_bottom#] img_size{w# h#}
qrcode: ok code_results[type_name data pos{left_top{x# y#} right_top{x# y#} right_bottom{x# y#} left_bottom{x#
  y#}}] img_size{w# h#}
superresolution: ok media_id
POST /cv/ocr/
bankcard: errcode errmsg number
bizlicense: ok reg_num$ serial$ legal_representative enterprise_name type_of_organization address
  type_of_enterprise business_scope registered_capital paid_in_capital valid_period registered_date
  cert_position{pos{left_top{x# y#} right_top{x# y#} right_bottom{x# y#} left_bottom{x# y#}}} img_size{w# h#}
comm: ok items[text pos{left_top{x# y#} right_top{x# y#} right_bottom{x# y#} left_bottom{x# y#}}] img_size{w#
  h#}
driving: ok plate_num vehicle_type owner addr use_character model vin engine_num register_date issue_date
  plate_num_b record passengers_num total_quality prepare_quality overall_size
  card_position_front{pos{left_top{x# y#} right_top{x# y#} right_bottom{x# y#} left_bottom{x# y#}}}
  card_position_back{pos{left_top{x# y#} right_top{x# y#} right_bottom{x# y#} left_bottom{x# y#}}} img_size{w#
  h#}
drivinglicense: ok id_num name sex nationality address birth_date issue_date car_class valid_from valid_to
  official_seal
idcard: ok type name id$ addr gender nationality valid_date
platenum: ok number
POST /datacube/
getarticlesummary: list[ref_date msgid title int_page_read_user# int_page_read_count# ori_page_read_user#
  ori_page_read_count# share_user# share_count# add_to_fav_user# add_to_fav_count#]
getarticletotal: list[ref_date msgid title details[stat_date target_user# int_page_read_user#
  int_page_read_count# ori_page_read_user# ori_page_read_count# share_user# share_count# add_to_fav_user#
  add_to_fav_count# int_page_from_session_read_user# int_page_from_session_read_count#
  int_page_from_hist_msg_read_user# int_page_from_hist_msg_read_count# int_page_from_feed_read_user#
  int_page_from_feed_read_count# int_page_from_friends_read_user# int_page_from_friends_read_count#
  int_page_from_other_read_user# int_page_from_other_read_count# feed_share_from_session_user#
  feed_share_from_session_cnt# feed_share_from_feed_user# feed_share_from_feed_cnt#
  feed_share_from_other_user# feed_share_from_other_cnt#]]
getcardbizuininfo: list[ref_date view_cnt# view_user# receive_cnt# receive_user# verify_cnt# verify_user#
  given_cnt# given_user# expire_cnt# expire_user#]
getcardcardinfo: list[ref_date card_id card_type# view_cnt# view_user# receive_cnt# receive_user# verify_cnt#
  verify_user# given_cnt# given_user# expire_cnt# expire_user#]
getcardmembercarddetail: list[ref_date merchanttype# cardid submerchantid# view_cnt# view_user# receive_cnt#
  receive_user# verify_cnt# verify_user# active_cnt# active_user# total_user# new_user# payOriginalFee# fee#]
getcardmembercardinfo: list[ref_date view_cnt# view_user# receive_cnt# receive_user# active_user# verify_cnt#
  verify_user# total_user# total_receive_user#]
getgameanalysisdata: data_list[timestamp# time_label group_dimension_list[value label] metric_value#]
getinterfacesummary: list[ref_date callback_count# fail_count# total_time_cost# max_time_cost#]
getinterfacesummaryhour: list[ref_date ref_hour# callback_count# fail_count# total_time_cost# max_time_cost#]
getupstreammsg getupstreammsgmonth getupstreammsgweek: list[ref_date msg_type# msg_user# msg_count#]
getupstreammsgdist getupstreammsgdistmonth getupstreammsgdistweek: list[ref_date count_interval# msg_user#]
getupstreammsghour: list[ref_date ref_hour# msg_type# msg_user# msg_count#]
getusercumulate: list[ref_date cumulate_user#]
getuserread: list[ref_date user_source# int_page_read_user# int_page_read_count# ori_page_read_user#
  ori_page_read_count# share_user# share_count# add_to_fav_user# add_to_fav_count#]
getuserreadhour: list[ref_date ref_hour# user_source# int_page_read_user# int_page_read_count#
  ori_page_read_user# ori_page_read_count# share_user# share_count# add_to_fav_user# add_to_fav_count#]
getusershare: list[ref_date share_scene# share_count# share_user#]
getusersharehour: list[ref_date ref_hour# share_scene# share_count# share_user#]
getusersummary: list[ref_date user_source# new_user# cancel_user#]
getweanalysisappiddailyretaininfo getweanalysisappidmonthlyretaininfo: ref_date$ visit_uv_new[key# value#]
  visit_uv[key# value#]
getweanalysisappiddailysummarytrend: list[ref_date$ visit_total# share_pv# share_uv#]
getweanalysisappiddailyvisittrend getweanalysisappidmonthlyvisittrend: list[ref_date$ session_cnt# visit_pv#
  visit_uv# visit_uv_new# stay_time_session# visit_depth#]
getweanalysisappiduserportrait: ref_date$ visit_uv_new{province[id# name value#] city[id# name value#]
  genders[id# name value#] platforms[id# name value#] devices[name value#] ages[id# name value#]}
  visit_uv{province[id# name value#] city[id# name value#] genders[id# name value#] platforms[id# name value#]
  devices[name value#] ages[id# name value#]}
getweanalysisappidvisitdistribution: ref_date$ list[index item_list[key# value#]]
getweanalysisappidvisitpage: ref_date$ list[page_path page_visit_pv# page_visit_uv# page_staytime_pv#
  entrypage_pv# exitpage_pv# page_share_pv# page_share_uv#]
getweanalysisappidweeklyretaininfo: ref_date visit_uv_new[key# value#] visit_uv[key# value#]
getweanalysisappidweeklyvisittrend: list[ref_date session_cnt# visit_pv# visit_uv# visit_uv_new#
  stay_time_session# visit_depth#]
GET /donut/
code2verifyinfo: errcode# login_info{type login_time# appid} user_info{user_id openapp_info{appid openid
  unionid headimgurl nickname} phone_info{phone} apple_info{bundleid apple_user_id} miniprogram_info{appid
  openid unionid}}
POST /donut/
unbindapple unbindphone unbindweixin unregisteruser: ok
POST /merchant/
create del getbystatus modproductstatus update: ok
GET /merchant/express/
getall: ok
GET /merchant/
get: ok
GET /merchant/group/
getall: ok
GET /merchant/order/
close: ok
POST /merchant/order/
getbyfilter getbyid setdelivery: ok
GET /merchant/shelf/
getall: ok
POST /product/order/
get get_list: ok
POST /product/spu/
add get get_list: ok
POST /scan/product/
clear create get update: ok
POST /semantic/semproxy/
search: ok
POST /shop/account/
get_info: ok
POST /shop/order/
add get pay: ok
POST /shop/spu/
add get get_list: ok
POST /union/promoter/
promotion/add promotion/del: ok
POST /user-order/
orders orders_combine: ok
`;
