// Reads the data package in a folder with Frictionless Data's own library, every cell of every table, and prints
// {"valid", "errors", "rows": {resource: count}} as JSON.
//
//   node frictionless.js FOLDER
import datapackage from 'datapackage';
import fs from 'node:fs';

const folder = process.argv[2];
const descriptor = JSON.parse(fs.readFileSync(`${folder}/datapackage.json`, 'utf8'));
// The library is of version 1 of the standard, where a table is called by another word.
for (const resource of descriptor.resources) resource.profile = 'tabular-data-resource';
const errors = [];
const rows = {};
const data = await datapackage.Package.load(descriptor, { basePath: folder });
for (const error of data.errors) errors.push(`${error}`);
for (const resource of data.resources) {
  try {
    rows[resource.name] = (await resource.read({ keyed: true, relations: true })).length;
  } catch (error) {
    errors.push(...(error.errors?.length ? error.errors : [error]).map((one) => `${resource.name}: ${one}`));
  }
}
console.log(JSON.stringify({ valid: data.valid && errors.length === 0, errors, rows }));
