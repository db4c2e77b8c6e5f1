// Reads xAPI statements, one a line of JSON, as the record store Learning Locker does, and prints
// {"statements": count, "errors": [line: what is wrong, ...]} as JSON.
//
//   node xapi.js FILE
import validation from '@learninglocker/xapi-validation';
import fs from 'node:fs';

const lines = fs.readFileSync(process.argv[2], 'utf8').split('\n').slice(0, -1);
const errors = [];
lines.forEach((line, i) => {
  for (const problem of validation.default(JSON.parse(line))) errors.push(`${i + 1}: ${JSON.stringify(problem)}`);
});
console.log(JSON.stringify({ statements: lines.length, errors }));
