/** What the tests in a browser drive: the engine and the loops, as a page's scripts use them. */

import { folderOfScript } from '../../src/engine/base.ts'
import { openEngine } from '../../src/engine/engine.ts'
import { descend } from '../../src/methods/descent.ts'

Object.assign(window, { lab: { base: folderOfScript(), openEngine, descend } })
