/**
 * Commonly used, documented calls, for metric labels: folder, then the names in it. A path that is missing
 * here is equally valid; it gets its own label once it is seen often.
 *
 * Source: the platform's documentation at https://developers.weixin.qq.com/doc/ .
 */
const CALLS: readonly (readonly [folder: string, names: string])[] = [
  ['/card', 'batchget create delete get getapplyprotocol modifystock update'],
  ['/card/code', 'checkcode consume decrypt deposit get getdepositcount unavailable update'],
  ['/card/generalcard', 'updateuser'],
  ['/card/landingpage', 'create'],
  ['/card/membercard', 'activate updateuser'],
  ['/card/membercard/activate', 'geturl'],
  ['/card/membercard/activatetempinfo', 'get'],
  ['/card/membercard/activateuserform', 'set'],
  ['/card/membercard/userinfo', 'get'],
  ['/card/mpnews', 'gethtml'],
  ['/card/paycell', 'set'],
  ['/card/qrcode', 'create'],
  ['/card/selfconsumecell', 'set'],
  ['/card/testwhitelist', 'set'],
  ['/card/user', 'getcardlist'],
  [
    '/cgi-bin/account',
    `componentrebindadmin fastregister getaccountbasicinfo modifyheadimage modifysignature`,
  ],
  ['/cgi-bin/callback', 'check'],
  [
    '/cgi-bin',
    `changeopenid clear_quota get_api_domain_ip get_current_autoreply_info
     get_current_selfmenu_info getcallbackip shorturl stable_token token`,
  ],
  ['/cgi-bin/clear_quota', 'v2'],
  ['/cgi-bin/comment', 'close delete list markelect open unmarkelect'],
  ['/cgi-bin/comment/reply', 'add delete'],
  [
    '/cgi-bin/component',
    `api_authorizer_token api_component_token api_create_preauthcode api_get_authorizer_info
     api_get_authorizer_list api_get_authorizer_option api_query_auth api_set_authorizer_option
     api_start_push_ticket fastregisterweapp get_domain_confirmfile getprivacysetting
     modify_wxa_jump_domain modify_wxa_server_domain setprivacysetting uploadprivacyextfile`,
  ],
  ['/cgi-bin/component/clear_quota', 'v2'],
  ['/cgi-bin/customservice', 'getkflist getonlinekflist'],
  ['/cgi-bin/draft', 'add batchget count delete get switch update'],
  ['/cgi-bin/express/business/account', 'bind getall'],
  ['/cgi-bin/express/business/delivery', 'getall'],
  ['/cgi-bin/express/business/order', 'add batchget cancel get'],
  ['/cgi-bin/express/business/path', 'get'],
  ['/cgi-bin/express/business/printer', 'getall update'],
  ['/cgi-bin/express/business/quota', 'get'],
  ['/cgi-bin/express/business', 'test_update_order'],
  ['/cgi-bin/express/delivery/contact', 'get'],
  ['/cgi-bin/express/delivery/no_worry_return', 'add get unbind'],
  [
    '/cgi-bin/express/delivery/open_msg',
    `follow_waybill get_delivery_list open_openmsg open_query_plugin query_follow_trace
     query_trace trace_waybill update_follow_waybill_goods update_waybill_goods`,
  ],
  ['/cgi-bin/express/delivery/path', 'update'],
  ['/cgi-bin/express/delivery/return', 'add get open_return unbind'],
  ['/cgi-bin/express/delivery/service/business', 'update'],
  [
    '/cgi-bin/express/delivery/single_waybill',
    `cancel_order evaluate_feedback fee get_bill refund_order update`,
  ],
  ['/cgi-bin/express/delivery/template', 'preview'],
  ['/cgi-bin/express/intracity', 'addorder balancequery cancelorder preaddorder queryorder'],
  ['/cgi-bin/express/local/business/delivery', 'getall'],
  ['/cgi-bin/express/local/business', 'open realmock_update_order test_update_order update_order'],
  ['/cgi-bin/express/local/business/order', `add addtips cancel confirm_return get pre_add precancel readd`],
  ['/cgi-bin/express/local/business/shop', 'add get'],
  ['/cgi-bin/freepublish', 'batchget delete get getarticle submit'],
  ['/cgi-bin/groups', 'create get getid'],
  ['/cgi-bin/groups/members', 'update'],
  ['/cgi-bin/material', 'add_material batchget_material del_material get_material get_materialcount'],
  ['/cgi-bin/media', 'get getfeedbackmedia upload uploadimg uploadnews uploadvideo'],
  ['/cgi-bin/media/get', 'jssdk'],
  ['/cgi-bin/media/voice', 'addvoicetorecofortext queryrecoresultfortext translatecontent'],
  ['/cgi-bin/menu', 'addconditional create delconditional delete get trymatch'],
  ['/cgi-bin/message/custom/business', 'send typing'],
  ['/cgi-bin/message/custom', 'send typing'],
  ['/cgi-bin/message/device/subscribe', 'send'],
  ['/cgi-bin/message/mass', 'delete get preview send sendall'],
  ['/cgi-bin/message/mass/speed', 'get set'],
  ['/cgi-bin/message/subscribe', 'bizsend send'],
  ['/cgi-bin/message/template', 'send subscribe'],
  ['/cgi-bin/message/wxopen/activityid', 'create'],
  ['/cgi-bin/message/wxopen/employeerelationmsg', 'send'],
  ['/cgi-bin/message/wxopen/template', 'uniform_send'],
  ['/cgi-bin/message/wxopen/updatablemsg', 'send'],
  ['/cgi-bin/open', 'bind create get have sameentity unbind'],
  ['/cgi-bin/openapi/quota', 'clear get'],
  ['/cgi-bin/openapi/rid', 'get'],
  ['/cgi-bin/qrcode', 'create'],
  ['/cgi-bin/soter', 'verify_signature'],
  ['/cgi-bin/tags', 'create delete get getidlist update'],
  ['/cgi-bin/tags/members', 'batchblacklist batchtagging batchunblacklist batchuntagging getblacklist'],
  [
    '/cgi-bin/template',
    `api_add_template api_set_industry del_private_template get_all_private_template get_industry`,
  ],
  ['/cgi-bin/ticket', 'getticket'],
  ['/cgi-bin/user', 'get info'],
  ['/cgi-bin/user/info', 'batchget updateremark'],
  ['/cgi-bin/user/tag', 'get'],
  ['/cgi-bin/wxaapp', 'createwxaqrcode'],
  [
    '/cgi-bin/wxopen',
    `addcategory deletecategory getallcategories getcategoriesbytype getcategory
     getweappsupportversion modifycategory qrcodejumpadd qrcodejumpdelete qrcodejumpdownload
     qrcodejumpget qrcodejumppublish setweappsupportversion wxamplink wxamplinkget wxampunlink`,
  ],
  ['/cgi-bin/wxverify', 'checkwxverifynickname'],
  [
    '/channels/ec/aftersale',
    `acceptapply acceptexchangereship addcomplaintmaterial addcomplaintproof applyvirtualtelnum
     genaftersaleorder getaftersalelist getaftersaleorder getcomplaintorder getguaranteeorder
     getpresentaftersalelist getpresentaftersaleorder merchantacceptguarantee
     merchantmodifyguarantee merchantproofguarantee merchantrefuseguarantee
     merchantupdateaftersale refundpricediff rejectapply rejectexchangereship
     searchguaranteeorder uploadrefundcertificate`,
  ],
  ['/channels/ec/aftersale/reason', 'get'],
  ['/channels/ec/aftersale/rejectreason', 'get'],
  ['/channels/ec/basics/addresscode', 'get'],
  ['/channels/ec/basics/homepage/background/apply', 'cancel submit'],
  ['/channels/ec/basics/homepage/background', 'get remove'],
  ['/channels/ec/basics/homepage/banner/apply', 'cancel submit'],
  ['/channels/ec/basics/homepage/banner', 'get remove'],
  ['/channels/ec/basics/img', 'upload'],
  ['/channels/ec/basics/info', 'get'],
  ['/channels/ec/basics/media', 'get'],
  ['/channels/ec/basics/qualification', 'upload'],
  ['/channels/ec/basics/shop/h5url', 'get'],
  ['/channels/ec/basics/shop/qrcode', 'get'],
  ['/channels/ec/basics/shop/taglink', 'get'],
  ['/channels/ec/coupon', `create get get_list get_user_coupon get_user_coupon_list update update_status`],
  [
    '/channels/ec/funds',
    `getbalance getbankacct getfundsflowdetail getfundsflowlist getwithdrawdetail getwithdrawlist
     setbankacct submitwithdraw`,
  ],
  [
    '/channels/ec/merchant',
    `addfreighttemplate getfreighttemplatedetail getfreighttemplatelist updatefreighttemplate`,
  ],
  ['/channels/ec/merchant/address', 'add delete get list update'],
  ['/channels/ec/merchant/privatenumber', 'addphone getphone sendverifycode'],
  ['/channels/ec/order/address', 'update'],
  ['/channels/ec/order/addressmodify', 'accept reject'],
  ['/channels/ec/order/delivery', 'compensation send'],
  ['/channels/ec/order/deliverycompanylist', 'get'],
  ['/channels/ec/order/deliverycompanylist/new', 'get'],
  ['/channels/ec/order/deliveryinfo', 'update'],
  ['/channels/ec/order/dropship', 'assign cancel get list search'],
  ['/channels/ec/order/dropship/supplier/delivery', 'send update'],
  ['/channels/ec/order/dropship/supplier', 'get list search'],
  ['/channels/ec/order/freshinspect', 'submit'],
  ['/channels/ec/order', 'get search'],
  ['/channels/ec/order/list', 'get'],
  ['/channels/ec/order/merchantnotes', 'update'],
  ['/channels/ec/order/present', 'get'],
  ['/channels/ec/order/presentlist', 'get'],
  ['/channels/ec/order/presentnote', 'add'],
  ['/channels/ec/order/presentorder', 'create get'],
  ['/channels/ec/order/presentorder/receiver', 'set'],
  ['/channels/ec/order/presentorderlist', 'get'],
  ['/channels/ec/order/presentsuborder', 'get'],
  ['/channels/ec/order/preshipmentchangesku', 'approve get reject'],
  ['/channels/ec/order/price', 'update'],
  ['/channels/ec/order/realnumber', 'apply'],
  ['/channels/ec/order/realnumberviewaudit', 'get'],
  ['/channels/ec/order/receiverorderlist', 'get'],
  ['/channels/ec/order/sensitiveinfo', 'decode'],
  ['/channels/ec/order/virtualnumber', 'applyagain delay'],
  ['/channels/ec/order/virtualtelnumber', 'get'],
  ['/channels/ec/product/activity', 'add'],
  [
    '/channels/ec/product',
    `add auditfree categoryprecheck delete delisting externalproductmapping get getauditquota
     listing update`,
  ],
  ['/channels/ec/product/audit', 'cancel'],
  ['/channels/ec/product/auditstrategy', 'get set'],
  ['/channels/ec/product/category', 'classify'],
  ['/channels/ec/product/gift', 'add get update'],
  ['/channels/ec/product/gift/list', 'get'],
  ['/channels/ec/product/gift/onsale', 'set'],
  ['/channels/ec/product/gift/stock', 'update'],
  ['/channels/ec/product/h5url', 'get'],
  ['/channels/ec/product/limiteddiscounttask', 'add delete stop'],
  ['/channels/ec/product/limiteddiscounttask/list', 'get'],
  ['/channels/ec/product/list', 'get'],
  ['/channels/ec/product/locallife', 'add auditfree get update'],
  ['/channels/ec/product/locallife/list', 'get'],
  ['/channels/ec/product/qrcode', 'get'],
  ['/channels/ec/product/scheme', 'get'],
  ['/channels/ec/product/stock', 'batchget get getflow update'],
  ['/channels/ec/product/taglink', 'get'],
  ['/customservice/kfaccount', 'add canceladmin del inviteworker setadmin update uploadheadimg'],
  ['/customservice/kfsession', 'close create getsession getsessionlist getwaitcase'],
  ['/customservice/msgrecord', 'getmsglist'],
  ['/customservice/work', 'bind get unbind'],
  ['/cv/img', 'aicrop qrcode superresolution'],
  ['/cv/ocr', 'bankcard bizlicense comm driving drivinglicense idcard platenum'],
  [
    '/datacube',
    `getarticlesummary getarticletotal getcardbizuininfo getcardcardinfo getcardmembercarddetail
     getcardmembercardinfo getgameanalysisdata getinterfacesummary getinterfacesummaryhour
     getupstreammsg getupstreammsgdist getupstreammsgdistmonth getupstreammsgdistweek
     getupstreammsghour getupstreammsgmonth getupstreammsgweek getusercumulate getuserread
     getuserreadhour getusershare getusersharehour getusersummary
     getweanalysisappiddailyretaininfo getweanalysisappiddailysummarytrend
     getweanalysisappiddailyvisittrend getweanalysisappidmonthlyretaininfo
     getweanalysisappidmonthlyvisittrend getweanalysisappiduserportrait
     getweanalysisappidvisitdistribution getweanalysisappidvisitpage
     getweanalysisappidweeklyretaininfo getweanalysisappidweeklyvisittrend`,
  ],
  ['/donut', 'code2verifyinfo unbindapple unbindphone unbindweixin unregisteruser'],
  ['/publisher', 'stat'],
  ['/semantic/semproxy', 'search'],
  ['/sns', 'auth jscode2session userinfo'],
  ['/sns/component', 'jscode2session'],
  ['/sns/oauth2', 'access_token refresh_token'],
  ['/sns/oauth2/component', 'access_token refresh_token'],
  [
    '/tcb',
    `batchdeletefile batchdownloadfile databaseadd databaseaggregate databasecollectionadd
     databasecollectiondelete databasecollectionget databasecount databasedelete
     databasemigrateexport databasemigrateimport databasemigratequeryinfo databasequery
     databaseupdate getopendata getqcloudtoken invokecloudfunction sendsms sendsmsv2 uploadfile`,
  ],
  [
    '/wxa',
    `add_store addnearbypoi addtotemplate api_wxa_querynickname apply_merchant bind_tester
     change_visitstatus changewxasearchstatus checksession commit create_map_poi
     createwxagameroom del_store deletetemplate delnearbypoi devplugin fetchdatasetting
     generate_urllink generatenfcscheme generatescheme genwxashortlink get_auditstatus
     get_category get_district get_effective_domain get_effective_webviewdomain
     get_latest_auditstatus get_merchant_audit_info get_merchant_category get_page
     get_prefetchdnsdomain get_qrcode get_store_info get_store_list get_user_notify
     get_webviewdomain_confirmfile getappealrecords getdefaultamsinfo getgrayreleaseplan
     getillegalrecords getmpadminauth getnearbypoilist getpaidunionid getpluginopenpid
     getshowwxaitem getsnticket gettemplatedraftlist gettemplatelist getuserriskrank
     getversioninfo getvisitstatus getwxacode getwxacodeunlimit getwxadevinfo getwxagameframe
     getwxagameidentityinfo getwxagameroominfo getwxamplinkforshow getwxasearchstatus grayrelease
     imagesearch img_sec_check media_check_async memberauth modify_domain modify_domain_directly
     modify_merchant mpverifybetaweapp msg_sec_check operationams plugin query_urllink queryquota
     queryscheme release remove_user_storage resetusersessionkey revertcoderelease
     revertgrayrelease search_map_poi set_prefetchdnsdomain set_user_notify set_user_notifyext
     set_user_storage setbetaweappnickname setdefaultamsinfo setnearbypoishowstatus setnickname
     setuserinteractivedata setwebviewdomain setwebviewdomain_directly sitesearch speedupaudit
     submit_audit unbind_tester undocodeaudit update_store updateshowwxaitem uploadmedia
     verifybetaweapp`,
  ],
  [
    '/wxa/business',
    `applyliveinfo batchcreateretail checkencryptedmsg get_wxa_followers getliveinfo
     getpayfororder getretailinfo getuserencryptkey getuserphonenumber push_message
     retailnotifybusiness unbinduserb2cauthinfo`,
  ],
  ['/wxa/business/performance', 'boot'],
  ['/wxa/component', 'fastregisterbetaweapp fastregisterpersonalweapp'],
  ['/wxa/search', 'wxaapi_submitpages'],
  ['/wxa/sec', 'authidentitytree queryauth reauth uploadauthmaterial wxaauth'],
  ['/wxa/sec/famousbrand', 'apply get_status'],
  [
    '/wxa/sec/order',
    `get_order get_order_list is_trade_managed is_trade_management_confirmation_completed
     notify_confirm_receive set_msg_jump_path upload_combined_shipping_info upload_shipping_info`,
  ],
  [
    '/wxa/security',
    `apply_privacy_interface applysetorderpathinfo get_code_privacy_info get_privacy_interface
     getorderpathinfo`,
  ],
  ['/wxaapi/broadcast', 'getgoodswarehouse'],
  ['/wxaapi/broadcast/goods', 'add audit delete getapproved onsale push resetaudit sort update'],
  [
    '/wxaapi/broadcast/room',
    `addassistant addgoods create deleteroom editroom getassistantlist getpushurl getsharedcode
     modifyassistant removeassistant updatecomment updatefeedpublic updatekf updatereplay`,
  ],
  ['/wxaapi/feedback', 'list'],
  ['/wxaapi/log', 'get_client_version get_performance get_scene jserr_detail jserr_list'],
  [
    '/wxaapi/newtmpl',
    `addtemplate deltemplate getcategory getpubtemplatekeywords getpubtemplatetitles gettemplate`,
  ],
  ['/wxaapi/userlog', 'userlog_search'],
  [
    '/xpay',
    `bind_transfer_accout cancel_currency_pay create_funds_bill create_withdraw_order
     currency_pay download_bill notify_provide_goods present_currency query_adver_funds
     query_biz_balance query_funds_bill query_order query_publish_goods query_recover_bill
     query_transfer_account query_upload_goods query_user_balance query_withdraw_order
     refund_order start_publish_goods start_upload_goods`,
  ],
];

export const KNOWN_ENDPOINTS: ReadonlySet<string> = new Set(
  CALLS.flatMap(([folder, names]) => names.split(/\s+/).map((name) => `${folder}/${name}`)),
);
