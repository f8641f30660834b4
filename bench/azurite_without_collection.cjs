// Azurite looks through the extents of its queues every minute, and answers nothing meanwhile: half a minute of silence
// after a few thousand messages, in the middle of a measurement. Here it looks at its start, and then tomorrow.
const constants = require('../emulators/azurite/node/node_modules/azurite/dist/src/queue/utils/constants.js');

constants.DEFAULT_GC_INTERVAL_MS = 24 * 60 * 60 * 1000;
