/** Loads parts of the panel that are not there from the start. */

/** A part did not come: the server does not answer, or has another version of it. */
export class PartMissing extends Error {
  override readonly name = 'PartMissing'
}

/** Where it does not come, `PageError` stands in the page's place. */
export async function loadPart<Part>(load: () => Promise<Part>): Promise<Part> {
  try {
    return await load()
  } catch (cause) {
    // In other words than the browser's: at those the router would load the whole document again by itself.
    throw new PartMissing('a part of the panel could not be loaded', { cause })
  }
}
