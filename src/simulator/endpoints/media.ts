import { type Answer, binaryAnswer, jsonAnswer, OK } from '../answer.ts';
import { parseMultipart } from '../multipart.ts';
import { refuse } from '../refuse.ts';
import { word } from '../tokens.ts';
import type { Call, Endpoint, StoredMedia, World } from '../world.ts';
import { codePicture } from './picture.ts';
import { jsonObject } from './json-body.ts';

/** Uploads and downloads; binary on success and JSON on failure. */
export const MEDIA_ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  '/cgi-bin/media/upload': { method: 'POST', token: 'app', answer: upload },
  '/cgi-bin/media/get': {
    method: 'GET',
    postToo: true,
    token: 'app',
    answer: (world, call) => download(world, call, false),
  },
  '/cgi-bin/media/get/jssdk': {
    method: 'GET',
    postToo: true,
    token: 'app',
    plainErrors: true,
    answer: (world, call) => download(world, call, true),
  },
  '/cgi-bin/media/uploadimg': { method: 'POST', token: 'app', answer: uploadImage },
  '/cgi-bin/material/add_material': { method: 'POST', token: 'app', answer: addMaterial },
  '/cgi-bin/material/get_material': { method: 'POST', token: 'app', answer: getMaterial },
  '/cgi-bin/material/del_material': { method: 'POST', token: 'app', answer: deleteMaterial },
  '/customservice/kfaccount/uploadheadimg': { method: 'POST', token: 'app', answer: justUpload },
  '/wxa/img_sec_check': { method: 'POST', token: 'app', answer: justUpload },
  '/wxa/getwxacode': { method: 'POST', token: 'app', answer: picture },
  '/wxa/getwxacodeunlimit': { method: 'POST', token: 'app', answer: picture },
  '/cgi-bin/wxaapp/createwxaqrcode': { method: 'POST', token: 'app', answer: picture },
  '/wxa/get_qrcode': { method: 'GET', token: 'app', answer: picture },
  '/cgi-bin/media/getfeedbackmedia': { method: 'GET', token: 'app', answer: picture },
  '/channels/ec/basics/media/get': { method: 'GET', token: 'app', answer: picture },
  '/cgi-bin/express/delivery/single_waybill/get_bill': { method: 'POST', token: 'app', answer: bill },
};

const TYPES: Readonly<Record<string, string>> = {
  image: 'jpg',
  voice: 'amr',
  video: 'mp4',
  thumb: 'jpg',
  file: 'bin',
};
const MEDIA_ID_LENGTH = 64;
const MEDIA_LIFE_MS = 3 * 86_400_000;
const NOT_KEPT = 'SIM_NOT_KEPT_';

function upload(world: World, call: Call): Answer {
  const type = call.query.get('type') ?? '';
  if (!(type in TYPES)) return refuse(world, call, 40004);
  const mediaId = receive(world, call, type, MEDIA_LIFE_MS);
  if (mediaId === undefined) return refuse(world, call, 41005);
  const idName = type === 'thumb' ? 'thumb_media_id' : 'media_id';
  return jsonAnswer({ type, [idName]: mediaId, created_at: Math.floor(call.nowMs / 1_000) });
}

function addMaterial(world: World, call: Call): Answer {
  const type = call.query.get('type') ?? 'image';
  if (!(type in TYPES)) return refuse(world, call, 40004);
  const mediaId = receive(world, call, type);
  if (mediaId === undefined) return refuse(world, call, 41005);
  const url = { url: pictureUrl(mediaId) };
  return jsonAnswer({ media_id: mediaId, ...(type === 'image' && url), item: [] });
}

function uploadImage(world: World, call: Call): Answer {
  const mediaId = receive(world, call, 'image');
  return mediaId === undefined ? refuse(world, call, 41005) : jsonAnswer({ url: pictureUrl(mediaId) });
}

function justUpload(world: World, call: Call): Answer {
  return receive(world, call, 'image') === undefined ? refuse(world, call, 41005) : OK;
}

/**
 * Stores the upload. A body that is too long to keep is accepted too, under an id that says so and that
 * cannot be downloaded: it was read and hashed, see the arrivals.
 */
function receive(world: World, call: Call, type: string, lifeMs?: number): string | undefined {
  const { bytes, sha256 } = call.body;
  if (bytes === undefined) return NOT_KEPT + sha256.slice(0, 40);
  const parts = parseMultipart(String(call.headers['content-type'] ?? ''), bytes);
  const part = parts?.find((it) => it.name === 'media') ?? parts?.find((it) => it.filename !== undefined);
  if (part === undefined || call.account === undefined || part.bytes.length === 0) return undefined;
  const mediaId = word(call.account.random, MEDIA_ID_LENGTH);
  const stored: StoredMedia = {
    bytes: part.bytes,
    type,
    appid: call.account.settings.appid,
    contentType: part.contentType ?? 'application/octet-stream',
    endsAtMs: lifeMs === undefined ? Number.POSITIVE_INFINITY : call.nowMs + lifeMs,
  };
  world.media.set(mediaId, stored);
  return mediaId;
}

function find(world: World, call: Call, mediaId: unknown): StoredMedia | undefined {
  const media = typeof mediaId === 'string' ? world.media.get(mediaId) : undefined;
  const ours = media?.appid === call.account?.settings.appid;
  return media !== undefined && ours && call.nowMs < media.endsAtMs ? media : undefined;
}

/** `SIM_ZEROS_<n>` is a download of n zero bytes, for tests with large answers. */
function download(world: World, call: Call, plain: boolean): Answer {
  const mediaId = call.query.get('media_id') ?? '';
  const zeros = /^SIM_ZEROS_(\d{1,11})$/.exec(mediaId);
  if (zeros !== null) {
    return {
      status: 200,
      headers: fileHeaders(mediaId, 'image', 'image/jpeg'),
      body: { zerosBytes: Number(zeros[1]) },
    };
  }
  const media = find(world, call, mediaId);
  if (media === undefined) return refuse(world, call, 40007, plain ? { plain, ridStyle: 'hint' } : {});
  if (media.type === 'video') return jsonAnswer({ video_url: pictureUrl(mediaId) });
  return binaryAnswer(media.bytes, fileHeaders(mediaId, media.type, media.contentType));
}

function getMaterial(world: World, call: Call): Answer {
  const mediaId = jsonObject(call)?.media_id;
  const media = find(world, call, mediaId);
  if (media === undefined) return refuse(world, call, 40007);
  if (media.type === 'video')
    return jsonAnswer({ title: '', description: '', down_url: pictureUrl(String(mediaId)) });
  return binaryAnswer(media.bytes, fileHeaders(String(mediaId), media.type, media.contentType));
}

function deleteMaterial(world: World, call: Call): Answer {
  const mediaId = jsonObject(call)?.media_id;
  if (find(world, call, mediaId) === undefined) return refuse(world, call, 40007);
  world.media.delete(String(mediaId));
  return OK;
}

function picture(): Answer {
  return binaryAnswer(codePicture(), { 'Content-Type': 'image/jpeg' });
}

/** A file of statistics. */
function bill(): Answer {
  const text = 'waybill_id,fee\n1,100\n';
  return binaryAnswer(Buffer.from(text), { 'Content-Type': 'application/octet-stream' });
}

function fileHeaders(mediaId: string, type: string, contentType: string): Record<string, string> {
  return {
    'Content-Type': contentType,
    'Content-disposition': `attachment; filename="${mediaId}.${TYPES[type] ?? 'bin'}"`,
    'Cache-Control': 'no-cache, must-revalidate',
  };
}

/** Never fetched by the simulator; the host name cannot exist. */
function pictureUrl(mediaId: string): string {
  return `http://mmbiz.simulator.invalid/${mediaId}/0`;
}
