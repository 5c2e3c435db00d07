import { createSecretKey, KeyObject } from 'node:crypto'
import type { AccessCookieKey } from '../../edge-token/index.ts'
import { deriveKey } from '../../edge-token/sealing.ts'

/** The ring of cookie keys as it is now: the first seals, all open. */
export type KeyRing = () => readonly AccessCookieKey[]

/**
 * Makes the function that derives the key of one purpose from a key of the ring, once for each.
 * @param purpose HKDF info: what is sealed for one purpose never opens for another.
 */
export function keysFor(purpose: string): (key: AccessCookieKey) => KeyObject {
  const derived = new WeakMap<object, KeyObject>()
  return ({ secret }) => {
    let key = derived.get(secret)
    if (key === undefined) {
      key = deriveKey(secret instanceof KeyObject ? secret : createSecretKey(secret), purpose)
      derived.set(secret, key)
    }
    return key
  }
}
