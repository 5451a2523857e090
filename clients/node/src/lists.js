'use strict'

/**
 * A list that is requested when it is awaited or iterated.
 *
 * `await list` is its first page, `for await (const each of list)` goes through all pages.
 */
class List {
  constructor(transport, path, params) {
    this.load = async (cursor) => {
      const query = cursor ? { ...params, starting_after: cursor } : params
      const { body, headers } = await transport.send('GET', path, query)
      return new Page(body, headers.get('next-cursor'), this.load)
    }
  }

  then(onDone, onError) {
    this.first ??= this.load()
    return this.first.then(onDone, onError)
  }

  catch(onError) {
    return this.then(undefined, onError)
  }

  finally(onEnd) {
    return this.then().finally(onEnd)
  }

  async *[Symbol.asyncIterator]() {
    yield* await this
  }
}

/** One page. Iterating over it goes on to the following pages; `data` is this page alone. */
class Page {
  constructor(body, nextCursor, load) {
    Object.assign(this, body)
    // A page may end early, even empty, so its last object is not always the next page's cursor.
    const next = body.has_more ? (nextCursor ?? body.data.at(-1)?.id) : undefined
    Object.defineProperty(this, 'nextPage', { value: async () => (next ? load(next) : undefined) })
  }

  async *[Symbol.asyncIterator]() {
    for (let page = this; page; page = await page.nextPage()) yield* page.data
  }
}

module.exports = { List }
