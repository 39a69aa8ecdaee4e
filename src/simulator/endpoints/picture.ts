import { seededRandom } from '../../base/random.ts';

/**
 * A JPEG of grey squares with some grain, with the default size of a mini-program code in pixels (430 a
 * side) and its size in bytes. It is generated at its first use and contains nothing that can be scanned.
 */
export function codePicture(): Buffer {
  made ??= makePicture();
  return made;
}

let made: Buffer | undefined;

const SIDE_PIXELS = 430;
const BLOCK_PIXELS = 8;
const BLOCKS_A_SIDE = Math.ceil(SIDE_PIXELS / BLOCK_PIXELS);
/** How many of a block's 63 coefficients are grain; they determine the size of the picture. */
const GRAIN = 10;
const GRAIN_BITS = 3;
/** Both Huffman tables are trivial: the code of the n-th symbol is the number n in four bits. */
const CODE_BITS = 4;
const DC_SYMBOLS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
const END_OF_BLOCK = 0;
const AC_SYMBOLS = [END_OF_BLOCK, GRAIN_BITS];

function makePicture(): Buffer {
  const side = [SIDE_PIXELS >> 8, SIDE_PIXELS & 255];
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xe0, [...Buffer.from('JFIF\0'), 1, 1, 0, 0, 1, 0, 1, 0, 0]),
    // With a DC quantum of 8, a block's first coefficient is its brightness minus 128.
    segment(0xdb, [0, 8, ...Array.from({ length: 63 }, () => 2)]),
    segment(0xc0, [8, ...side, ...side, 1, 1, 0x11, 0]),
    segment(0xc4, huffmanTable(0x00, DC_SYMBOLS)),
    segment(0xc4, huffmanTable(0x10, AC_SYMBOLS)),
    segment(0xda, [1, 1, 0, 0, 63, 0]),
    scan(),
    Buffer.from([0xff, 0xd9]),
  ]);
}

function segment(marker: number, bytes: readonly number[]): Buffer {
  const length = bytes.length + 2;
  return Buffer.from([0xff, marker, length >> 8, length & 255, ...bytes]);
}

function huffmanTable(id: number, symbols: readonly number[]): number[] {
  const counts = Array.from({ length: 16 }, (_, i) => (i + 1 === CODE_BITS ? symbols.length : 0));
  return [id, ...counts, ...symbols];
}

function scan(): Buffer {
  const random = seededRandom(1);
  const bits = new BitWriter();
  let before = 0;
  for (let block = 0; block < BLOCKS_A_SIDE ** 2; block += 1) {
    const brightness = random() < 0.5 ? -100 : 100;
    const step = brightness - before;
    const size = 32 - Math.clz32(Math.abs(step));
    bits.write(DC_SYMBOLS.indexOf(size), CODE_BITS);
    bits.write(step < 0 ? step + (1 << size) - 1 : step, size);
    for (let i = 0; i < GRAIN; i += 1) {
      bits.write(AC_SYMBOLS.indexOf(GRAIN_BITS), CODE_BITS);
      bits.write(Math.floor(random() * (1 << GRAIN_BITS)), GRAIN_BITS);
    }
    bits.write(AC_SYMBOLS.indexOf(END_OF_BLOCK), CODE_BITS);
    before = brightness;
  }
  return bits.end();
}

/**
 * Writes bits, the highest first. A byte of ones is followed by a zero, because it would start a marker
 * otherwise.
 */
class BitWriter {
  readonly #bytes: number[] = [];
  #held = 0;
  #heldBits = 0;

  write(value: number, bits: number): void {
    this.#held = (this.#held << bits) | value;
    this.#heldBits += bits;
    while (this.#heldBits >= 8) {
      this.#heldBits -= 8;
      const byte = (this.#held >> this.#heldBits) & 255;
      this.#bytes.push(byte);
      if (byte === 255) this.#bytes.push(0);
      this.#held &= (1 << this.#heldBits) - 1;
    }
  }

  end(): Buffer {
    if (this.#heldBits > 0) this.write((1 << (8 - this.#heldBits)) - 1, 8 - this.#heldBits);
    return Buffer.from(this.#bytes);
  }
}
