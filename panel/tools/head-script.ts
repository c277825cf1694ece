/**
 * A plugin that puts a small classic script into the head, before the style sheets, as a file of
 * its own: it has to run before the first paint, and the Content-Security-Policy forbids it inline.
 */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'

import type { Plugin } from 'vite'

export function headScript(path: string): Plugin {
  let source = ''
  let serving = false
  let reference = ''
  return {
    name: 'tidemark:head-script',
    async configResolved(config) {
      source = await readFile(resolve(config.root, path), 'utf8')
      serving = config.command === 'serve'
    },
    buildStart() {
      if (!serving) reference = this.emitFile({ type: 'asset', name: 'first-paint.js', source })
    },
    transformIndexHtml: {
      order: 'post',
      handler(_, { bundle }) {
        const asset = Object.values(bundle ?? {}).find((file) => file.fileName.includes('first-paint-'))
        const src = asset ? `/${asset.fileName}` : `/${path}`
        return [{ tag: 'script', attrs: { src }, injectTo: 'head-prepend' }]
      },
    },
    generateBundle() {
      if (reference === '') this.error('the script of the head was not emitted')
    },
  }
}
