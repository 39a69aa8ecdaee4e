import { OK } from '../answer.ts';
import type { Endpoint } from '../world.ts';

/**
 * Paths that are known to the platform and have nothing of their own here: any body is right, and the
 * answer is `{"errcode":0,"errmsg":"ok"}`. Written as `prefix: rest rest …`.
 */
const POST_PATHS = `
/cgi-bin/: shorturl freepublish/submit freepublish/get freepublish/delete freepublish/batchget freepublish/getarticle
/cgi-bin/comment/: open close list markelect unmarkelect delete reply/add reply/delete
/cgi-bin/draft/: add get delete update batchget switch
/cgi-bin/express/business/: order/add order/cancel order/get path/get quota/get account/bind printer/update
/cgi-bin/express/intracity/: apply createstore querystore updatestore addorder preaddorder cancelorder balancequery
/cgi-bin/groups/: create delete getid update members/update members/batchupdate
/cgi-bin/guide/: addguideacct getguideacct delguideacct getguideacctlist
/cgi-bin/material/: add_news update_news batchget_material
/cgi-bin/media/: uploadnews uploadvideo voice/addvoicetorecofortext voice/queryrecoresultfortext voice/translatecontent
/cgi-bin/menu/: addconditional delconditional trymatch
/cgi-bin/message/: custom/typing custom/business/typing template/subscribe wxopen/template/send wxopen/template/uniform_send
/cgi-bin/message/: wxopen/activityid/create wxopen/updatablemsg/send subscribe/bizsend subscribe/msg device/subscribe/send
/cgi-bin/message/mass/: send sendall preview delete get speed/get speed/set
/cgi-bin/poi/: addpoi delpoi getpoi getpoilist updatepoi
/cgi-bin/shorten/: fetch
/cgi-bin/soter/: verify_signature
/cgi-bin/tags/: create delete update getidlist members/batchtagging members/batchuntagging members/getblacklist
/cgi-bin/tags/: members/batchblacklist members/batchunblacklist
/cgi-bin/template/: api_add_template api_set_industry del_private_template
/cgi-bin/user/: info/batchget info/updateremark tag/get
/cgi-bin/wxopen/: getcategoriesbytype addcategory deletecategory modifycategory
/card/: create delete get update batchget modifystock qrcode/create paycell/set selfconsumecell/set testwhitelist/set
/card/code/: get consume update decrypt unavailable deposit checkcode getdepositcount
/card/membercard/: activate activateuserform/set activatetempinfo/get updateuser userinfo/get
/card/: user/getcardlist landingpage/create mpnews/gethtml meetingticket/updateuser movieticket/updateuser boardingpass/checkin
/channels/ec/basics/: info/get img/upload media/get
/channels/ec/order/: get list/get search delivery/send merchantnotes/update price/update
/channels/ec/product/: add get list/get update delete listing delisting
/customservice/kfaccount/: add update inviteworker
/customservice/: kfsession/create kfsession/close msgrecord/getmsglist msgrecord/getrecord
/cv/: ocr/idcard ocr/bankcard ocr/comm ocr/driving ocr/bizlicense img/qrcode img/superresolution img/aicrop
/datacube/: getusersummary getusercumulate getarticlesummary getarticletotal getuserread getuserreadhour getusershare
/datacube/: getusersharehour getupstreammsg getupstreammsghour getupstreammsgweek getupstreammsgmonth getinterfacesummary
/datacube/: getinterfacesummaryhour getweanalysisappiddailysummarytrend getweanalysisappiddailyvisittrend
/datacube/: getweanalysisappidvisitpage getweanalysisappidvisitdistribution getweanalysisappiduserportrait
/merchant/: create del update getbystatus modproductstatus order/getbyid order/getbyfilter order/setdelivery
/product/: spu/add spu/get spu/get_list order/get order/get_list
/scan/product/: create get update clear
/semantic/: semproxy/search
/shop/: spu/add spu/get spu/get_list order/add order/get order/pay account/get_info
/tcb/: databasequery databaseadd databaseupdate databasedelete uploadfile batchdownloadfile usecloudaccesstoken
/union/promoter/: promotion/add promotion/del
/user-order/: orders orders_combine
/wxa/: media_check_async getuserriskrank generatescheme queryscheme generate_urllink query_urllink genwxashortlink
/wxa/: getnearbypoilist addnearbypoi delnearbypoi devplugin plugin servicemarket getwxausersecurity getpluginopenpid
/wxa/: modify_domain setwebviewdomain bind_tester unbind_tester memberauth commit submit_audit release get_auditstatus
/wxa/: changevisitstatus speedupaudit change_wxa_search_status setnickname modifyheadimage modifysignature
/wxa/: addtotemplate deletetemplate business/checkencryptedmsg business/gamematch/creatematchrule
/wxa/business/: performance/boot getliveinfo runtime/getpluginopenid
/wxa/sec/order/: upload_shipping_info upload_combined_shipping_info get_order get_order_list notify_confirm_receive
/wxa/sec/vod/: singlefileupload applyupload uploadpart commitupload getmedia listmedia deletemedia
/wxaapi/newtmpl/: addtemplate deltemplate
/wxaapi/log/: get_performance jserr_detail jserr_list
/wxaapi/broadcast/: room/create room/editroom room/deleteroom goods/add goods/audit
`;

const GET_PATHS = `
/cgi-bin/: get_current_autoreply_info get_current_selfmenu_info getautoreplyinfo
/cgi-bin/: customservice/getkflist customservice/getonlinekflist groups/get tags/get account/getaccountbasicinfo
/cgi-bin/: material/get_materialcount express/business/account/getall express/business/printer/getall template/get_industry
/card/: getcolors
/donut/: code2verifyinfo
/customservice/: kfaccount/del kfaccount/setadmin kfaccount/canceladmin kfsession/getsession kfsession/getsessionlist
/customservice/: kfsession/getwaitcase
/merchant/: get order/close express/getall group/getall shelf/getall
/wxa/: gettemplatedraftlist gettemplatelist get_category get_page get_latest_auditstatus undocodeaudit revertcoderelease
/wxa/: revertgrayrelease getgrayreleaseplan getwxadevinfo getshowwxaitem getweappsupportversion
/wxaapi/newtmpl/: getcategory gettemplate getpubtemplatetitles getpubtemplatekeywords
/wxaapi/broadcast/: room/getassistantlist goods/getapproved
`;

export const WELL_KNOWN_ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  ...table(POST_PATHS, 'POST'),
  ...table(GET_PATHS, 'GET'),
};

function table(lines: string, method: 'GET' | 'POST'): Record<string, Endpoint> {
  const endpoint: Endpoint = { method, token: 'app', answer: () => OK };
  const entries = lines
    .trim()
    .split('\n')
    .flatMap((line) => {
      const [prefix = '', rest = ''] = line.split(': ');
      return rest.split(' ').map((name) => [prefix + name, endpoint] as const);
    });
  return Object.fromEntries(entries);
}
