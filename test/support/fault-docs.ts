import { components, faultCodes, kindOf } from '../../src/base/fault.ts';
import { faultCatalogue } from '../../src/contract/fault-catalogue.ts';

const codesOf = (component: string) =>
  faultCodes.filter((code) => kindOf(code).component === component);

/** docs/faults.md, made from the catalogue of faults. */
export function faultDocs(): string {
  const sections = components.map((component) => {
    const rows = codesOf(component).map((code) => {
      const { retryable, exit } = kindOf(code);
      const { meaning } = faultCatalogue[code];
      const link = `[\`${code}\`](runbook.md#${anchorOf(code)})`;
      return `| ${link} | ${meaning.replaceAll('|', '\\|')} | ${retryable ? 'yes' : 'no'} | ${exit} |`;
    });
    const head = ['| code | meaning | retryable | exit |', '| --- | --- | --- | --- |'];
    return `## ${component}\n\n${[...head, ...rows].join('\n')}`;
  });
  return `<!-- Made from the catalogue of faults by \`npm run docs\`; a test fails when it is out of date. -->

# Faults

What can go wrong, by the component of \`health\` that it is about. A fault is data: a code, a sentence with
the path or value that it is about, another one that says how to mend it, and whether it is *retryable*:
whether it may pass by itself, so that the daemon tries again. *Exit* is the code of the process where a
fault ends it: at the start, or a command like \`sightd cameras\`.

\`sightd faults CODE\` says the same in a terminal. What the daemon does about each, and what a person should
do, is in the [runbook](runbook.md). How to make them happen, to see it, is in
[Injecting faults](runbook.md#injecting-faults).

${sections.join('\n\n')}
`;
}

/** A heading's, as the usual renderers of Markdown make it. */
const anchorOf = (code: string): string => code.replaceAll('.', '');

const mark = /(<!-- made by npm run docs: faults -->\n).*?(<!-- end -->)/s;

/** docs/runbook.md with its part about each fault made anew. */
export const withFaults = (page: string): string =>
  page.replace(mark, (_, begin: string, end: string) => `${begin}\n${runbookPart()}\n\n${end}`);

const runbookPart = (): string =>
  components
    .map((component) =>
      [
        `### ${component}`,
        ...codesOf(component).map((code) => {
          const { meaning, daemon, person } = faultCatalogue[code];
          return `#### ${code}\n\n${meaning}\n\n- **sightd:** ${daemon}\n- **You:** ${person}`;
        }),
      ].join('\n\n'),
    )
    .join('\n\n');
