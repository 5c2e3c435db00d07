import { type Deadlines, untilAborted } from './deadlines.ts'

/** Work that several callers want at once, done once. */
export interface SharedWork<T> {
  /**
   * The result of the work under this key that is under way, or else of the one begun now, which has a deadline of its
   * own. A failure goes to all who wait for it and is not remembered.
   * @param signal of this caller: it stops waiting, the work and the others go on.
   */
  share(key: string, signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T>
}

export function createSharedWork<T>(deadlines: Deadlines): SharedWork<T> {
  const underWay = new Map<string, Promise<T>>()
  return {
    share: (key, signal, work) => {
      let promise = underWay.get(key)
      if (promise === undefined) {
        const deadline = deadlines.begin()
        promise = untilAborted(work(deadline.signal), deadline.signal).finally(() => {
          deadline.done()
          underWay.delete(key)
        })
        underWay.set(key, promise)
      }
      return untilAborted(promise, signal)
    },
  }
}
