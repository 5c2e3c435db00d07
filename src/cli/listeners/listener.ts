import type { Site } from './site.ts'

export type CertificateFiles =
  | { certificate: string; key: string; passphraseFile?: string | undefined }
  | { pkcs12: string; passphraseFile?: string | undefined }

export interface ListenerConfig {
  /** An IP address of this machine; `0.0.0.0` or `::` for all of them. */
  address: string
  /** 0 takes a free one. */
  port: number
  protocol: 'http' | 'https'
  certificates?: readonly CertificateFiles[] | undefined
  /** Addresses or CIDR ranges of the reverse proxies in front of a plain http listener. */
  trustedProxies?: readonly string[] | undefined
  /** Answers nothing but redirects to https. */
  redirectToHttps?: boolean | undefined
}

/** The part of pino's interface that is used here. */
export interface ListenerLog {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface ListenersOptions {
  listeners: readonly ListenerConfig[]
  sites: readonly Site[]
  log: ListenerLog
  /** The clock that certificates are judged by; default the system's. */
  now?: () => Date
}

export interface OpenListener {
  address: string
  /** The port that is listened on, also where 0 was asked for. */
  port: number
  protocol: 'http' | 'https'
}

export interface Listeners {
  addresses: OpenListener[]
  /** Hosts of the sites that an https listener has no certificate for: what became of publishing without one. */
  uncoveredHosts(): string[]
  /** Takes up replaced certificate files now, instead of at the next look (every few seconds). Never rejects. */
  reloadCertificates(): Promise<void>
  /**
   * Stops accepting, finishes what is in flight, closes idle connections.
   * @param deadline seconds after which what is still open is cut off; default 10.
   */
  close(options?: { deadline?: number }): Promise<void>
}

export declare function openListeners(options: ListenersOptions): Promise<Listeners>
