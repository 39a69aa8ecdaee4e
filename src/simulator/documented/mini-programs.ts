export const MINI_PROGRAMS = `
POST /tcb/
batchdeletefile: ok delete_list[fileid status#0 errmsg]
batchdownloadfile: ok file_list[fileid download_url status#0 errmsg]
databaseadd: ok id_list[.]
databaseaggregate: ok data[]
databasecollectionadd databasecollectiondelete usecloudaccesstoken: ok
databasecollectionget: ok collections[name count# size# index_count# index_size#] pager{Offset# Limit# Total#}
databasecount: ok count#
databasedelete: ok deleted#
databasemigrateexport databasemigrateimport: ok job_id#
databasemigratequeryinfo: ok status record_success# record_fail# error_msg file_url
databasequery: ok pager{Offset# Limit# Total#} data[]
databaseupdate: ok matched# modified# id
getopendata: ok data_list[cloud_id json{cloudID data{stepInfoList[timestamp# step#]}}]
getqcloudtoken: ok secretid secretkey token expired_time#
sendsms sendsmsv2: errcode# send_status_list[serial_no phone_number code=Ok message iso_code=CN]
uploadfile: ok url token authorization file_id cos_file_id
POST /wxa/
add_store: ok data{audit_id#}
addnearbypoi: ok data{audit_id# poi_id#}
addtotemplate apply_merchant change_visitstatus change_wxa_search_status changevisitstatus
  changewxasearchstatus commit del_store deletetemplate delnearbypoi devplugin getwxausersecurity grayrelease
  memberauth modify_merchant modifyheadimage modifysignature plugin release remove_user_storage servicemarket
  set_prefetchdnsdomain set_user_notify set_user_notifyext set_user_storage setbetaweappnickname
  setnearbypoishowstatus setuserinteractivedata speedupaudit unbind_tester updateshowwxaitem verifybetaweapp:
  ok
api_wxa_querynickname: ok nickname audit_stat# fail_reason create_time# audit_time#
bind_tester: ok userstr
create_map_poi: data{base_id#}
createwxagameroom: ok data{access_info}
fetchdatasetting: ok is_pre_fetch_open? pre_fetch_type# pre_env pre_function_name is_period_fetch_open?
  period_fetch_type# period_fetch_url
generate_urllink: ok url_link
generatenfcscheme generatescheme: ok openlink
genwxashortlink: ok link
get_auditstatus: ok status#0 reason screenshot
get_effective_domain: ok mp_domain{requestdomain[.] wsrequestdomain[.] uploaddomain[.] downloaddomain[.]
  udpdomain[.] tcpdomain[.]} third_domain{requestdomain[.] wsrequestdomain[.] uploaddomain[.]
  downloaddomain[.] udpdomain[.] tcpdomain[.]} direct_domain{requestdomain[.] wsrequestdomain[.]
  uploaddomain[.] downloaddomain[.] udpdomain[.] tcpdomain[.]} effective_domain{requestdomain[.]
  wsrequestdomain[.] uploaddomain[.] downloaddomain[.] udpdomain[.] tcpdomain[.]}
get_effective_webviewdomain: ok mp_webviewdomain[.] third_webviewdomain[.] direct_webviewdomain[.]
  effective_webviewdomain[.]
get_store_info: ok business{base_info{business_name address telephone city province longitude# latitude#
  photo_list[photo_url] open_time poi_id$ status# district}}
get_store_list: ok business_list[base_info{business_name address telephone city province longitude# latitude#
  photo_list[photo_url] open_time poi_id$ status# district}] total_count#
get_user_notify: ok notify_info{notify_type# content_json code_state# code_expire_time#}
get_webviewdomain_confirmfile: ok file_name file_content
getappealrecords: ok records[appeal_record_id# appeal_time# appeal_from# appeal_status# punish_description
  materials[illegal_material{content content_url} appeal_material{reason proof_material_ids[.]}]]
getdefaultamsinfo: ret# err_msg share_ratio#
getillegalrecords: ok records[illegal_record_id create_time# illegal_reason illegal_content rule_url
  rule_name]
getmpadminauth mpverifybetaweapp: ok authorize_url
getpluginopenpid: ok openpid
getsnticket: sn_ticket
getuserriskrank: ok risk_rank# unoin_id#
getversioninfo: ok exp_info{exp_time# exp_version exp_desc} release_info{release_time# release_version
  release_desc}
getvisitstatus: ok status#
imagesearch: ok items[title img_url price path]
media_check_async: ok trace_id
modify_domain: ok requestdomain[.] wsrequestdomain[.] uploaddomain[.] downloaddomain[.]
modify_domain_directly: ok requestdomain[.] wsrequestdomain[.] uploaddomain[.] downloaddomain[.] udpdomain[.]
  tcpdomain[.]
msg_sec_check: ok result{suggest=pass label#100} detail[strategy=content_model errcode# suggest=pass label#100
  prob#90] trace_id
operationams setdefaultamsinfo: ret# err_msg
query_urllink: ok url_link_info{appid path query create_time# expire_time# env_version cloud_base{env domain
  path query resource_appid}} quota_info{remain_visit_quota#}
queryscheme: ok scheme_info{appid path query create_time# expire_time# env_version}
  quota_info{remain_visit_quota#}
search_map_poi: ok data{item[branch_name address longitude# latitude# telephone category sosomap_poi_uid$
  pic_urls[]]}
setnickname: ok wording audit_id#
setwebviewdomain setwebviewdomain_directly: ok webviewdomain[.]
sitesearch: ok items[title description image path] has_next_page# hit_count# next_page_info
submit_audit: ok auditid#
update_store: ok data{has_audit_id# audit_id#}
uploadmedia: ok type mediaid
POST /wxa/business/
applyliveinfo: ok action
batchcreateretail: ok num_success# num_failure#0 failure_record_list[]
checkencryptedmsg: ok vaild? create_time#
gamematch/creatematchrule retailnotifybusiness runtime/getpluginopenid unbinduserb2cauthinfo: ok
get_wxa_followers: followers[openid subscribe_time# room_status# room_id#] page_break#0 errcode# errmsg
getliveinfo: ok total# room_info[name roomid# cover_img share_img live_status# start_time# end_time#
  anchor_name goods[cover_img url name price# price2# price_type# goods_id# third_party_appid] live_type#
  close_like# close_goods# close_comment# close_kf# close_replay# is_feeds_public# creater_openid feeds_img]
getpayfororder: ok payfororder{out_trade_no order_no openid create_time# amount# status# zone_id env#
  pay_time}
getretailinfo: ok info[mobile_phone retail_type sub_retail_type retail_address retail_name identification$
  principal legal_person_name openid status# auth_mode# auth_time# grant_time#]
getuserphonenumber: ok phone_info{phoneNumber purePhoneNumber countryCode=86 watermark{timestamp# appid}}
getuserencryptkey: ok key_info_list[encrypt_key version# expire_in# iv create_time#]
performance/boot: ok data{body{tables[id lines[fields[refdate$ value]] zh] count#}}
push_message: message_id errcode# errmsg
GET /wxa/
checksession getweappsupportversion revertgrayrelease undocodeaudit: ok
get_category: ok category_list[first_class second_class first_id# second_id# third_class third_id#]
get_district: data_version$ result[]
get_latest_auditstatus: ok auditid$ status#0 reason ScreenShot
get_merchant_audit_info: ok data{audit_id# status# reason}
get_merchant_category: ok data{all_category_info{categories[id# name level# children[] father#
  qualify{exter_list[inner_list[name]]} sensitive_type#]}}
get_page: ok page_list[.]
get_prefetchdnsdomain: ok prefetch_dns_domain[url status#] size_limit#
getgrayreleaseplan: ok gray_release_plan{status# create_timestamp# gray_percentage# support_debuger_first?
  support_experiencer_first?}
getnearbypoilist: ok data{left_apply_num# max_apply_num# data}
getpaidunionid: unionid errcode# errmsg
getshowwxaitem: ok can_open# is_open# appid nickname headimg
gettemplatedraftlist: ok draft_list[create_time# user_version user_desc draft_id#]
gettemplatelist: ok template_list[create_time# user_version user_desc template_id# template_type#]
getwxadevinfo: ok requestdomain[.] wsrequestdomain[.] uploaddomain[] downloaddomain[.] udpdomain[.]
  bizdomain[.]
getwxagameframe: ok data{has_more? frame_list[frame_id# pkg_list[open_id action_list[.] b?]]}
getwxagameidentityinfo: ok data{info_list[client_id# open_id]}
getwxagameroominfo: ok data{room_id_str room_state# max_member_num# game_tick# start_percent#
  member_list[role# client_id# pos_num# headimg nickname is_ready? enable_to_start? member_ext_info]}
getwxamplinkforshow: ok total_num# biz_info_list[nickname appid headimg]
getwxasearchstatus: status# errcode# errmsg
queryquota: ok rest# limit# speedup_rest# speedup_limit#
resetusersessionkey: ok openid session_key
revertcoderelease: ok version_list[commit_time# user_version user_desc app_version#]
POST component /wxa/component/
fastregisterbetaweapp: ok unique_id authorize_url
fastregisterpersonalweapp: ok
POST /wxa/game/
cancelpay: ok bill_no
getbalance: ok balance#100 present_balance#0 sum_save#100 sum_present#0 sum_balance#100 sum_cost#0 first_save?
pay: ok bill_no balance# used_present_amount#
POST /wxa/search/
wxaapi_submitpages: ok
POST /wxa/sec/
authidentitytree: identity_tree_list[name node_id# node_list[name node_id# node_list[name node_id#
  node_list[leaf_info{requirement} name node_id#]]] root_info{type#}] errcode# errmsg
famousbrand/apply order/notify_confirm_receive order/set_msg_jump_path order/upload_combined_shipping_info
  order/upload_shipping_info vod/applyupload vod/commitupload vod/deletemedia vod/getmedia vod/listmedia
  vod/singlefileupload vod/uploadpart: ok
famousbrand/get_status: ok progress{status#} application{apply_for# audit_info{audit_reason} status#}
order/get_order: ok order{transaction_id merchant_trade_no merchant_id sub_merchant_id description
  paid_amount# openid trade_create_time# pay_time# in_complaint? order_state# shipping{delivery_mode#
  logistics_type# finish_shipping? finish_shipping_count# goods_desc shipping_list[tracking_no
  express_company=JTSD upload_time#]}}
order/get_order_list: ok order_list[transaction_id merchant_trade_no merchant_id sub_merchant_id description
  paid_amount# openid trade_create_time# pay_time# order_state# in_complaint? shipping{}] last_index has_more?
order/is_trade_managed: ok is_trade_managed?
order/is_trade_management_confirmation_completed: ok completed?
queryauth: ok task_status# apply_status# appid
reauth wxaauth: ok taskid
uploadauthmaterial: ok mediaid
POST /wxa/security/
apply_privacy_interface: ok audit_id#
applysetorderpathinfo: ok
GET /wxa/security/
get_code_privacy_info: ok without_auth_list[.] without_conf_list[.]
get_privacy_interface: ok interface_list[api_name api_ch_name api_desc status# api_link group_name audit_id#
  fail_reason]
getorderpathinfo: ok msg{path img_list[.] video test_account test_pwd test_remark status# apply_time#}
`;
