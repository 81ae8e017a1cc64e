#!/usr/bin/env node
await import('./start.js');
