/** Pause, go on, stop: what the page may ask of a run on this machine. */
import { h } from "../shared/dom";
import { show, write } from "./dom";
import type { Facts } from "./facts";

/** A path as a shell takes it for one word. */
const quote = (path: string): string => (/^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'"'"'`)}'`);

export class Controls {
  readonly element: HTMLElement;
  private readonly pause = h("button", { type: "button" }, "Pause");
  private readonly stop = h("button", { type: "button", class: "grave" }, "Stop …");
  private readonly trouble = h("p", { class: "trouble", role: "alert" });
  private readonly away = h("p", { class: "quiet" });
  private readonly dialog = h("dialog");
  private isPaused = false;

  constructor(private readonly number: number, archive: string) {
    const title = h("h3", { id: `stop-${number}` }, "Stop the run?");
    this.dialog.setAttribute("aria-labelledby", title.id);
    const yes = h("button", { type: "button", class: "grave" }, "Stop it");
    const no = h("button", { type: "button", autofocus: "" }, "Let it run");
    const told = h("p", {}, "It ends what is in flight, at most 10 s, and nothing is lost. To go on later:");
    const way = h("p", {}, h("code", {}, `harvester resume ${quote(archive)}`));
    this.dialog.append(title, told, way, h("p", { class: "buttons" }, no, yes));
    this.element = h("div", { class: "controls" }, h("p", { class: "buttons" }, this.pause, this.stop));
    this.element.append(this.away, this.trouble, this.dialog);
    this.pause.addEventListener("click", () => void this.ask(this.isPaused ? "go_on" : "pause"));
    this.stop.addEventListener("click", () => this.dialog.showModal());
    no.addEventListener("click", () => this.dialog.close());
    yes.addEventListener("click", () => {
      this.dialog.close();
      void this.ask("stop");
    });
  }

  write({ run, away }: Facts): void {
    this.isPaused = run?.is_paused ?? false;
    write(this.pause, this.isPaused ? "Go on" : "Pause");
    show(this.pause, run !== null);
    show(this.stop, run !== null);
    write(this.away, away);
    show(this.away, away !== "");
    if (run === null && this.dialog.open) this.dialog.close();
  }

  private async ask(action: string): Promise<void> {
    write(this.trouble, "");
    try {
      const body = JSON.stringify({ archive: this.number, do: action });
      const answer = await fetch("do", { method: "POST", body, headers: { "Content-Type": "application/json" } });
      const told = (await answer.json()) as { trouble: string };
      write(this.trouble, told.trouble);
    } catch {
      write(this.trouble, "`harvester watch` does not answer: it has ended, or it is not reached.");
    }
  }
}
