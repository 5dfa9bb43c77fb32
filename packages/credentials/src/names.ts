/** One alternative name of a certificate as Node writes it; what has a comma or a quote in it stands in quotes. */
const ALTERNATIVE_NAME = /(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)/g

/**
 * The DNS names of a certificate, in lower case.
 * @param alternativeNames as in `X509Certificate.subjectAltName`: 'DNS:wal, IP Address:127.0.0.1'
 */
export function dnsNames(alternativeNames: string | undefined): readonly string[] {
  const names: string[] = []
  for (const [, kind, name] of (alternativeNames ?? '').matchAll(ALTERNATIVE_NAME)) {
    // A name in quotes was made to look like several: it is nobody's.
    if (kind === 'DNS' && name && !name.startsWith('"')) names.push(name.toLowerCase())
  }
  return names
}

/** Whether a certificate names one of these. No wildcard stands for a service, and a common name for nothing. */
export function isNamed(alternativeNames: string | undefined, wanted: readonly string[]): boolean {
  return dnsNames(alternativeNames).some((name) => wanted.includes(name))
}
