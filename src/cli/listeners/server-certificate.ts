import { constants, createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { duplexPair } from 'node:stream'
import { connect, createSecureContext, type SecureContext, type SecureContextOptions, TLSSocket } from 'node:tls'
import { ListenerError } from './listener-error.ts'

/** Where a certificate and its key are: `certificate` and `key` (PEM, the chain behind the certificate), or `pkcs12`. */
export interface CertificateFiles {
  certificate?: string | undefined
  key?: string | undefined
  pkcs12?: string | undefined
  /** Its first line opens the key or the PKCS#12 file. */
  passphraseFile?: string | undefined
}

/** A certificate that can be served. */
export interface ServerCertificate {
  /** The file, for messages. */
  file: string
  context: SecureContext
  /** The DNS names it was issued for, lower case; wildcards as `*.contoso.test`. */
  names: readonly string[]
  notAfter: Date
  /** Whether a browser takes it for this host. */
  covers(host: string): boolean
}

/** Forward secrecy, authenticated encryption, no renegotiation (RFC 9325 §3.5, §4.2). */
export const tlsOptions = {
  minVersion: 'TLSv1.2',
  honorCipherOrder: true,
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  ciphers: [
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'TLS_AES_128_GCM_SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
  ].join(':'),
} as const satisfies SecureContextOptions

/** The files whose replacement means a new certificate. */
export function filesOf({ certificate, key, pkcs12, passphraseFile }: CertificateFiles): string[] {
  return [pkcs12, certificate, key, passphraseFile].filter((file) => file !== undefined)
}

/**
 * Reads a certificate with its key and makes sure that it can be served now.
 * @throws {ListenerError} `certificate`, with file and reason: cannot be read, key of another certificate, not valid at
 * `now`, no DNS name in it.
 */
export async function loadServerCertificate(files: CertificateFiles, now: Date): Promise<ServerCertificate> {
  const passphrase = await readPassphrase(files.passphraseFile)
  const { file, context, leaf } =
    files.pkcs12 === undefined
      ? await loadPem(files.certificate, files.key, passphrase)
      : await loadPkcs12(files.pkcs12, passphrase)
  if (leaf.validToDate <= now) throw refusal(file, `expired on ${leaf.validToDate.toISOString()}`)
  if (leaf.validFromDate > now) throw refusal(file, `is not valid before ${leaf.validFromDate.toISOString()}`)
  const names = dnsNames(leaf)
  // The common name does not count: no browser has looked at it for years.
  if (names.length === 0) throw refusal(file, 'names no host (no DNS entry among its subject alternative names)')
  const covered = new Set(names)
  return { file, context, names, notAfter: leaf.validToDate, covers: (host) => covers(covered, host) }
}

/** A wildcard stands for exactly one label, the leftmost (RFC 9525 §6.3). */
function covers(names: ReadonlySet<string>, host: string): boolean {
  return names.has(host) || names.has(wildcardFor(host))
}

/** The wildcard that would cover this host. */
export function wildcardFor(host: string): string {
  const dot = host.indexOf('.')
  return dot < 1 ? host : `*${host.slice(dot)}`
}

async function loadPem(certificate = '', key = '', passphrase: string | undefined) {
  const pem = await read(certificate)
  const keyPem = await read(key)
  const leaf = attempt(certificate, 'is no certificate in PEM', () => new X509Certificate(pem))
  const privateKey = attempt(key, 'is no private key in PEM, or its passphrase is another one', () =>
    createPrivateKey({ key: keyPem, ...(passphrase === undefined ? {} : { passphrase }) }),
  )
  if (!leaf.checkPrivateKey(privateKey)) {
    throw refusal(certificate, `does not belong to the key in ${key} (its own certificate must come first in the file)`)
  }
  const unsealed = privateKey.export({ type: 'pkcs8', format: 'pem' })
  const context = attempt(certificate, 'cannot be served', () =>
    createSecureContext({ ...tlsOptions, cert: pem, key: unsealed }),
  )
  return { file: certificate, context, leaf }
}

async function loadPkcs12(file: string, passphrase: string | undefined) {
  const pfx = await read(file)
  const context = attempt(file, 'cannot be opened', () =>
    createSecureContext({ ...tlsOptions, pfx, ...(passphrase === undefined ? {} : { passphrase }) }),
  )
  try {
    return { file, context, leaf: await presentedBy(context) }
  } catch (cause) {
    throw refusal(file, 'holds no certificate with its key', cause)
  }
}

/** Node reads PKCS#12 into a TLS context only; what is in there shows in a handshake, which needs no network. */
async function presentedBy(secureContext: SecureContext): Promise<X509Certificate> {
  const [serverSide, clientSide] = duplexPair()
  const server = new TLSSocket(serverSide, { isServer: true, secureContext })
  try {
    return await new Promise((resolve, reject) => {
      server.on('error', reject)
      const client = connect({ socket: clientSide, rejectUnauthorized: false, servername: 'certificate.invalid' })
      client.on('error', reject)
      client.on('secureConnect', () => {
        const certificate = client.getPeerX509Certificate()
        client.destroy()
        if (certificate === undefined) reject(new Error('no certificate was presented'))
        else resolve(certificate)
      })
    })
  } finally {
    server.destroy()
  }
}

function dnsNames({ subjectAltName = '' }: X509Certificate): string[] {
  // Node quotes an entry that holds anything unusual (DNS:"…"); such a name covers nothing.
  return subjectAltName
    .split(', ')
    .map((entry) => /^DNS:([a-z0-9_*.-]+)$/i.exec(entry)?.[1]?.toLowerCase())
    .filter((name) => name !== undefined)
}

async function readPassphrase(file: string | undefined): Promise<string | undefined> {
  return file === undefined ? undefined : ((await read(file)).toString('utf8').split(/\r?\n/)[0] ?? '')
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    throw refusal(file, code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`, cause)
  }
}

function attempt<T>(file: string, reason: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw refusal(file, `${reason}${detailOf(cause)}`, cause)
  }
}

/** What OpenSSL says, where an operator can do something with it. */
function detailOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : ''
  if (/mac verify failure/i.test(text)) return ': the passphrase is another one'
  if (/unsupported/i.test(text)) return ': it uses a cipher that is no longer supported; export it again with AES-256'
  if (/key too small|md too weak/i.test(text)) return ': its key or signature is too weak'
  return ''
}

function refusal(file: string, reason: string, cause?: unknown): ListenerError {
  return new ListenerError('certificate', `The certificate file ${file} ${reason}`, { cause })
}
