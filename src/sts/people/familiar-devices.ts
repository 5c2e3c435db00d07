import { createHmac, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto'

/**
 * The value of the device cookie: a mark for each of the last people who signed in on this device. A mark is a random
 * number and a time under an HMAC that also covers the person and the version of the password, so that it speaks for
 * nobody else, ends by itself, and is void when the password changes. It lets nobody in; it only says which of the two
 * counters a wrong password goes to.
 */
export interface FamiliarDevices {
  /** @param value the cookie as it came: anything at all. */
  recognises(value: string | undefined, who: { id: string; passwordVersion: number }, now: Date): boolean
  /** The new value: the person's fresh mark first, then those of others. */
  mark(value: string | undefined, who: { id: string; passwordVersion: number }, now: Date): string
}

const randomLength = 12
const timeLength = 6
const macLength = 16
const markLength = randomLength + timeLength + macLength
/** base64url characters of a mark. */
const markText = Math.ceil((markLength * 4) / 3)
const marksKept = 4
const longestValue = marksKept * (markText + 1)

/**
 * @param options.key HMAC-SHA256 key, for this purpose alone.
 * @param options.familiarFor seconds for which a mark counts.
 */
export function createFamiliarDevices({ key, familiarFor }: { key: KeyObject; familiarFor: number }): FamiliarDevices {
  type Who = Parameters<FamiliarDevices['recognises']>[1]

  function mac(head: Buffer, { id, passwordVersion }: Who): Buffer {
    const hmac = createHmac('sha256', key).update(head).update(`${passwordVersion}|${id}`)
    return hmac.digest().subarray(0, macLength)
  }

  function isOf(mark: Buffer, who: Who): boolean {
    const head = mark.subarray(0, randomLength + timeLength)
    return timingSafeEqual(mark.subarray(randomLength + timeLength), mac(head, who))
  }

  function isFresh(mark: Buffer, now: Date): boolean {
    const age = Math.floor(now.getTime() / 1000) - mark.readUIntBE(randomLength, timeLength)
    return age < familiarFor
  }

  return {
    recognises: (value, who, now) => marksOf(value).some((mark) => isOf(mark, who) && isFresh(mark, now)),
    mark(value, who, now) {
      const head = Buffer.concat([randomBytes(randomLength), Buffer.alloc(timeLength)])
      head.writeUIntBE(Math.floor(now.getTime() / 1000), randomLength, timeLength)
      const others = marksOf(value).filter((mark) => !isOf(mark, who) && isFresh(mark, now))
      const marks = [Buffer.concat([head, mac(head, who)]), ...others.slice(0, marksKept - 1)]
      return marks.map((mark) => mark.toString('base64url')).join('.')
    },
  }
}

function marksOf(value: string | undefined): Buffer[] {
  if (value === undefined || value.length > longestValue) return []
  return value
    .split('.')
    .filter((text) => text.length === markText && /^[A-Za-z0-9_-]+$/.test(text))
    .map((text) => Buffer.from(text, 'base64url'))
}
