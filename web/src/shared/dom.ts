/** Elements whose texts are only ever texts: nothing that is given here is read as HTML. */

export type Child = Node | string | number | null | undefined | false;
type Attributes = Record<string, string | number | boolean | undefined>;

export function h<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== undefined) element.setAttribute(key, String(value));
  }
  append(element, children);
  return element;
}

export function append(element: Element, children: Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** A text that somebody else wrote: its direction of writing is its own. */
export const foreign = (text: string): HTMLElement => h("bdi", {}, text);

/** A link to a page of Flickr's, by ids alone; the text alone where these are none. */
export function link(text: string, address: string | null): Node {
  const shown = foreign(text);
  return address === null ? shown : h("a", { href: address, rel: "noreferrer noopener" }, shown);
}

const OWNER = /^\d{1,20}@N\d\d$/;
const PHOTO = /^\d{1,20}$/;

export function personPage(owner: string): string | null {
  return OWNER.test(owner) ? `https://www.flickr.com/photos/${owner}/` : null;
}

export function photoPage(owner: string, id: string): string | null {
  return OWNER.test(owner) && PHOTO.test(id) ? `https://www.flickr.com/photos/${owner}/${id}/` : null;
}
