/** The part of nunjucks that the tests use; the package brings no types. */
declare module 'nunjucks' {
  export class Environment {
    constructor(loader: null, options: { autoescape: boolean; throwOnUndefined: boolean });
    addFilter(name: string, filter: (...values: never[]) => unknown): this;
    addGlobal(name: string, value: unknown): this;
    renderString(template: string, variables: object): string;
  }
}
