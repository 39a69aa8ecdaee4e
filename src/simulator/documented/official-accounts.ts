export const OFFICIAL_ACCOUNTS = `
POST /cgi-bin/account/
componentrebindadmin modifyheadimage modifysignature: ok
fastregister: ok appid authorization_code is_wx_verify_succ? is_link_succ?
GET /cgi-bin/account/
getaccountbasicinfo: ok appid account_type# principal_type# principal_name realname_status#
  wx_verify_info{qualification_verify? naming_verify? annual_review? annual_review_begin_time#
  annual_review_end_time#} signature_info{signature modify_used_count# modify_quota#}
  head_image_info{head_image_url modify_used_count# modify_quota#} registered_country# nickname_info{nickname
  modify_used_count# modify_quota#}
POST /cgi-bin/
changeopenid: ok result_list[ori_openid new_openid err_msg]
shorturl: ok short_url
POST /cgi-bin/comment/
close delete markelect open reply/add reply/delete unmarkelect: ok
list: ok total# comment[user_comment_id# openid create_time# content comment_type# reply[content
  create_time#]]
POST component /cgi-bin/component/
api_get_authorizer_info: authorizer_info{nick_name head_img service_type_info{id#} verify_type_info{id#}
  user_name principal_name business_info{open_store# open_scan# open_pay# open_card# open_shake#} alias
  qrcode_url signature MiniProgramInfo{network{RequestDomain[.] WsRequestDomain[] UploadDomain[]
  DownloadDomain[] BizDomain[] UDPDomain[]} categories[first second] visit_status#}}
  authorization_info{authorizer_appid func_info[funcscope_category{id#}]}
api_get_authorizer_option: authorizer_appid option_name option_value$
api_set_authorizer_option fastregisterweapp: ok
get_domain_confirmfile: ok file_name file_content
modify_wxa_jump_domain: ok published_wxa_jump_h5_domain testing_wxa_jump_h5_domain
modify_wxa_server_domain: ok published_wxa_server_domain testing_wxa_server_domain
POST /cgi-bin/component/
getprivacysetting: ok code_exist# privacy_list[.] setting_list[privacy_key privacy_text privacy_label]
  update_time# owner_setting{contact_phone contact_email contact_qq contact_weixin store_expire_timestamp
  ext_file_media_id$ notice_method} privacy_desc{privacy_desc_list[privacy_key privacy_desc]}
setprivacysetting: ok
uploadprivacyextfile: ok ext_file_media_id
GET /cgi-bin/customservice/
getkflist: kf_list[kf_account kf_nick kf_id$ kf_headimgurl kf_wx invite_wx invite_expire_time# invite_status]
getonlinekflist: kf_online_list[kf_account status# kf_id$ accepted_case#]
POST /cgi-bin/draft/
add: media_id
batchget: total_count# item_count# item[media_id content{news_item[title author digest content
  content_source_url thumb_media_id show_cover_pic# need_open_comment# only_fans_can_comment# url]}
  update_time#]
delete switch update: ok
get: news_item[title author digest content content_source_url thumb_media_id show_cover_pic#
  need_open_comment# only_fans_can_comment# url]
GET /cgi-bin/draft/
count: total_count#
POST /cgi-bin/freepublish/
batchget: total_count# item_count# item[article_id content{news_item[title author digest content
  content_source_url thumb_media_id show_cover_pic# need_open_comment# only_fans_can_comment# url
  is_deleted?]} update_time#]
delete: ok
get: publish_id$ publish_status# article_id article_detail{count# item[idx# article_url]} fail_idx[]
getarticle: news_item[title author digest content content_source_url thumb_media_id show_cover_pic#
  need_open_comment# only_fans_can_comment# url is_deleted?]
submit: ok publish_id$
GET /cgi-bin/
get_current_autoreply_info: is_add_friend_reply_open# is_autoreply_open# add_friend_autoreply_info{type
  content} message_default_autoreply_info{type content} keyword_autoreply_info{list[rule_name create_time#
  reply_mode keyword_list_info[type match_mode content] reply_list_info[type news_info{list[title author
  digest show_cover# cover_url content_url source_url]} content]]}
get_current_selfmenu_info: is_menu_open# selfmenu_info{button[name sub_button{list[type=view name url value
  news_info{list[title author digest show_cover# cover_url content_url source_url]}]} type value key]}
getautoreplyinfo: ok
POST /cgi-bin/groups/
create: group{id# name}
delete members/batchupdate members/update update: ok
getid: groupid#
GET /cgi-bin/groups/
get: groups[id# name count#]
POST /cgi-bin/guide/
addguideacct delguideacct getguideacct getguideacctlist: ok
POST /cgi-bin/material/
add_news update_news: ok
batchget_material: total_count# item_count# item[media_id content{news_item[title thumb_media_id
  show_cover_pic# author digest content url content_source_url] update_time# create_time#} update_time# name
  url]
GET /cgi-bin/material/
get_materialcount: voice_count# video_count# image_count# news_count#
POST /cgi-bin/media/
uploadnews: type=news media_id created_at#
uploadvideo: type=video media_id created_at#
voice/addvoicetorecofortext: ok
voice/queryrecoresultfortext: result
voice/translatecontent: from_content to_content
POST /cgi-bin/menu/
addconditional: menuid$
delconditional: ok
trymatch: button[type=view name url sub_button[]]
POST /cgi-bin/message/
custom/business/send custom/business/typing custom/typing device/subscribe/send mass/delete mass/preview
  mass/speed/set subscribe/bizsend subscribe/msg template/subscribe wxopen/employeerelationmsg/send
  wxopen/template/send wxopen/template/uniform_send wxopen/updatablemsg/send: ok
mass/get: msg_id# msg_status=SEND_SUCCESS
mass/send mass/sendall: ok msg_id# msg_data_id#
mass/speed/get: speed# realspeed#
wxopen/activityid/create: activity_id expiration_time#
POST /cgi-bin/open/
bind unbind: ok
create get: open_appid errcode# errmsg
have: have_open? errcode# errmsg
GET /cgi-bin/open/
sameentity: same_entity? errcode# errmsg
POST /cgi-bin/poi/
addpoi delpoi getpoi getpoilist updatepoi: ok
POST /cgi-bin/shorten/
fetch: ok long_data create_time# expire_seconds#
gen: ok short_key
POST /cgi-bin/soter/
verify_signature: is_ok?
POST /cgi-bin/tags/
create: tag{id# name}
delete members/batchblacklist members/batchtagging members/batchunblacklist members/batchuntagging update: ok
getidlist: tagid_list[#]
members/getblacklist: total# count# data{openid[.]} next_openid
GET /cgi-bin/tags/
get: tags[id# name count#]
POST /cgi-bin/template/
api_add_template: ok template_id
api_set_industry del_private_template: ok
GET /cgi-bin/template/
get_all_private_template: template_list[template_id title primary_industry deputy_industry content example]
get_industry: primary_industry{first_class second_class} secondary_industry{first_class second_class}
POST /cgi-bin/user/
info/batchget: user_info_list[subscribe# openid nickname sex# language city province country headimgurl
  subscribe_time# unionid remark groupid# tagid_list[#] subscribe_scene=ADD_SCENE_QR_CODE qr_scene#
  qr_scene_str]
info/updateremark: ok
tag/get: count# data{openid[.]} next_openid
POST /cgi-bin/wxopen/
addcategory deletecategory modifycategory qrcodejumpadd qrcodejumpdelete qrcodejumppublish
  setweappsupportversion wxamplink wxampunlink: ok
getcategoriesbytype: ok categories_list{categories[id# children[] qualify{exter_list[] remark} name level#
  father# sensitive_type#]}
qrcodejumpdownload: ok file_name file_content
qrcodejumpget: ok rule_list[prefix open_version# state# permit_sub_rule# path debug_url[.]] qrcodejump_open#
  list_size# qrcodejump_pub_quota#
wxamplinkget: ok wxopens{items[status# username appid source=SOURCE_NORMAL nickname selected#
  nearby_display_status# released# headimg_url func_infos[status# id# name] email]}
GET /cgi-bin/wxopen/
getallcategories: ok categories_list{categories[id# children[] qualify{exter_list[] remark} name level#
  father# sensitive_type#]}
getcategory: ok categories[first# first_name second# second_name audit_status# audit_reason] limit# quota#
  category_limit#
getweappsupportversion: ok now_version uv_info{items[percentage# version]}
POST /cgi-bin/wxverify/
checkwxverifynickname: ok hit_condition? wording
`;
