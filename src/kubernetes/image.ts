const CHARACTERS_MAX = 512;
/** Host with port, path, tag, digest; only the path is required. */
const SHAPE =
  /^[a-z0-9]+(?:[._:/-]+[a-z0-9]+)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/;

export function isImageReference(text: string): boolean {
  return text.length <= CHARACTERS_MAX && SHAPE.test(text);
}
