/** A plugin that writes a brotli and a gzip variant beside each text file of the build. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

import type { Plugin } from 'vite'

const TEXT = /\.(css|html|js|json|svg|txt)$/

/** A variant that saves less than this many bytes is not worth its place in the binary. */
const WORTH = 64

export function compress(): Plugin {
  let directory = ''
  return {
    name: 'tidemark:compress',
    apply: 'build',
    configResolved(config) {
      directory = join(config.root, config.build.outDir)
    },
    async closeBundle() {
      const names = await readdir(directory, { recursive: true })
      await Promise.all(names.filter((name) => TEXT.test(name)).map((name) => variants(join(directory, name))))
    },
  }
}

async function variants(path: string): Promise<void> {
  const plain = await readFile(path)
  const brotli = promisify(brotliCompress)(plain, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
      [constants.BROTLI_PARAM_SIZE_HINT]: plain.length,
    },
  })
  const zipped = promisify(gzip)(plain, { level: constants.Z_BEST_COMPRESSION })
  for (const [extension, bytes] of [['br', await brotli], ['gz', await zipped]] as const) {
    if (bytes.length + WORTH < plain.length) await writeFile(`${path}.${extension}`, bytes)
  }
}
