/** DER as Kerberos uses it, explicit tags and sequences of tagged fields, written by asn1js. */
import { type BaseBlock, BitString, Constructed, Integer, ObjectIdentifier, Primitive } from 'asn1js'
import { TagClass, UniversalType } from './der-tags.ts'

/** What can be put into a message. */
export type Encodable = BaseBlock

/** The octets of an element. */
export function encode(element: Encodable): Buffer {
  return Buffer.from(element.toBER(false))
}

/** An element that is encoded already, taken as it stands: tag, length and content in DER. */
export function encoded(octets: Uint8Array): Encodable {
  const [tag = 0, length = 0] = octets
  const content = octets.subarray(length < 0x80 ? 2 : 2 + (length & 0x7f))
  return verbatim((tag >> 6) + 1, tag & 0x1f, (tag & 0x20) !== 0, content)
}

/** `[APPLICATION tag]` around octets that need not be one element, as the framing of GSS has it. */
export function framing(tag: number, octets: Uint8Array): Encodable {
  return verbatim(TagClass.APPLICATION, tag, true, octets)
}

/** SEQUENCE, also SEQUENCE OF; elements that are undefined (absent optional fields) are left out. */
export function sequence(...elements: (Encodable | undefined)[]): BaseBlock {
  return constructed(TagClass.UNIVERSAL, UniversalType.SEQUENCE, elements)
}

/** `[tag] element`, explicit; undefined stays undefined, so that optional fields read like the others. */
export function field(tag: number, element: Encodable): BaseBlock
export function field(tag: number, element: Encodable | undefined): BaseBlock | undefined
export function field(tag: number, element: Encodable | undefined): BaseBlock | undefined {
  return element === undefined ? undefined : constructed(TagClass.CONTEXT, tag, [element])
}

/** `[APPLICATION tag] element`, explicit. */
export function application(tag: number, element: Encodable): BaseBlock {
  return constructed(TagClass.APPLICATION, tag, [element])
}

export function integer(value: number): BaseBlock {
  return new Integer({ value })
}

export function octetString(octets: Uint8Array): BaseBlock {
  return primitive(UniversalType.OCTET_STRING, octets)
}

/** GeneralString with UTF-8 in it, as Active Directory and newer KDCs have it; ASCII is what RFC 4120 promises. */
export function generalString(text: string): BaseBlock {
  return primitive(UniversalType.GENERAL_STRING, Buffer.from(text, 'utf8'))
}

/** KerberosTime: whole seconds (RFC 4120 §5.2.3); a fraction of the date is dropped. */
export function kerberosTime(date: Date): BaseBlock {
  return primitive(UniversalType.GENERALIZED_TIME, Buffer.from(kerberosTimeText(date), 'latin1'))
}

/** `20270131235959Z` */
export function kerberosTimeText(date: Date): string {
  const text = date.toISOString()
  const [year, month, day] = [text.slice(0, 4), text.slice(5, 7), text.slice(8, 10)]
  return `${year}${month}${day}${text.slice(11, 13)}${text.slice(14, 16)}${text.slice(17, 19)}Z`
}

/** KerberosFlags of 32 bits; bit 0 of the specification is the highest. */
export function flagBits(flags: number): BaseBlock {
  const octets = new Uint8Array(4)
  new DataView(octets.buffer).setUint32(0, flags >>> 0)
  return new BitString({ valueHex: octets, unusedBits: 0 })
}

export function objectIdentifier(value: string): BaseBlock {
  return new ObjectIdentifier({ value })
}

function constructed(tagClass: number, tagNumber: number, elements: (Encodable | undefined)[]): BaseBlock {
  const block = new Constructed({ idBlock: { tagClass, tagNumber } })
  for (const element of elements) if (element !== undefined) block.valueBlock.value.push(element)
  return block
}

function primitive(tagNumber: number, octets: Uint8Array): BaseBlock {
  return new Primitive({ idBlock: { tagClass: TagClass.UNIVERSAL, tagNumber }, valueHex: octets })
}

/** RawData of asn1js writes nothing when it stands inside another element; a Primitive with any tag does. */
function verbatim(tagClass: number, tagNumber: number, isConstructed: boolean, content: Uint8Array): BaseBlock {
  const block = new Primitive({ idBlock: { tagClass, tagNumber }, valueHex: content })
  block.idBlock.isConstructed = isConstructed
  return block
}
