/** Waits for the next step of a start. When it fails, what the start has opened so far is closed. */
export async function closingOnFailure<Result>(
  step: Promise<Result>,
  close: () => Promise<void>,
): Promise<Result> {
  try {
    return await step
  } catch (error) {
    await close()
    throw error
  }
}
