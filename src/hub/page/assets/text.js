/** @import { Words } from '../words.ts' */
import { byId } from './dom.js';

/** The texts of the page, in its language. @type {Words} */
export const words = JSON.parse(byId('words').textContent ?? '');
const language = document.documentElement.lang;
export const numbers = new Intl.NumberFormat(language);
export const clockTimes = new Intl.DateTimeFormat(language, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});

/**
 * @param {string} text
 * @param {Readonly<Record<string, unknown>>} values
 */
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (all, /** @type {string} */ name) =>
    name in values ? String(values[name]) : all,
  );
}

/**
 * With two units at most: `2 d 3 h`, `3 h 20 min`, `5 min`, `12 s`.
 *
 * @param {number} ms
 */
export function span(ms) {
  const { d, h, m, s } = words.units;
  const seconds = Math.max(0, Math.round(ms / 1000));
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor(seconds / 3600) % 24;
  const minutes = Math.floor(seconds / 60) % 60;
  if (days > 0) return days + d + (hours > 0 ? ` ${hours}${h}` : '');
  if (hours > 0) return hours + h + (minutes > 0 ? ` ${minutes}${m}` : '');
  return minutes > 0 ? minutes + m : seconds + s;
}

/** @param {number} ms */
export function countdown(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  /** @param {number} value */
  const two = (value) => String(value).padStart(2, '0');
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}
