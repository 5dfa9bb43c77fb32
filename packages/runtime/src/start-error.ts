/** A start has failed for a reason that its operator can remove: only the message is shown. */
export class StartError extends Error {
  override readonly name = 'StartError'
}
