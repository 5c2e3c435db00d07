/**
 * Decodes base64url without padding (RFC 7515 §2), and only in its one canonical spelling: no foreign alphabet, no
 * blanks, no padding, no set bits behind the last byte. Two spellings of one token would be two tokens.
 * @returns the bytes, or undefined where the text is not what an encoder would have written.
 */
export function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  // Node's decoder skips what it does not know; only what encodes back to the same text was canonical.
  return bytes.toString('base64url') === text ? bytes : undefined
}
