import { KerberosError } from './kerberos-error.ts'

export interface Deadlines {
  /** A signal that fires when the time for one piece of work is over, or all work is. */
  begin(): { readonly signal: AbortSignal; done(): void }
  /** Ends all work that is under way, and what is begun later. */
  close(): void
}

/** @param milliseconds that one piece of work may take. */
export function createDeadlines(milliseconds: number): Deadlines {
  const underWay = new Set<AbortController>()
  let closed = false
  const closing = () => new KerberosError('closed', 'the delegator has been closed')
  return {
    begin: () => {
      const controller = new AbortController()
      if (closed) {
        controller.abort(closing())
        return { signal: controller.signal, done: () => {} }
      }
      const timer = setTimeout(() => {
        const message = `the KDC has not answered within ${milliseconds / 1000} s`
        controller.abort(new KerberosError('deadline', message))
      }, milliseconds)
      underWay.add(controller)
      const done = () => {
        clearTimeout(timer)
        underWay.delete(controller)
      }
      return { signal: controller.signal, done }
    },
    close: () => {
      closed = true
      for (const controller of underWay) controller.abort(closing())
    },
  }
}

/** The promise, or the signal's reason where that comes first. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const aborted = () => reject(signal.reason)
    if (signal.aborted) {
      promise.catch(() => {})
      return aborted()
    }
    signal.addEventListener('abort', aborted, { once: true })
    const settled = () => signal.removeEventListener('abort', aborted)
    promise.then(
      (value) => {
        settled()
        resolve(value)
      },
      (error) => {
        settled()
        reject(error)
      },
    )
  })
}
