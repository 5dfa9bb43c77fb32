/** There is no log in the directory. */
export class NoLogError extends Error {
  override readonly name = 'NoLogError'

  constructor(directory: string) {
    super(`there is no log in ${directory}: it holds no segment`)
  }
}
