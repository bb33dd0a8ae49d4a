// Runs charger-simulator as its package comes: charger.cjs NODE_MODULES CONFIG
"use strict"
const path = require("path")
const [modules, config] = process.argv.slice(2)
const { ChargerSimulator } = require(path.join(modules, "charger-simulator/dist/ChargerSimulator.js"))
new ChargerSimulator(JSON.parse(config)).start()
