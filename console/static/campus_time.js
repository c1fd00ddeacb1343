// Moments in the campus's time, as the server's pages show them, whatever time zone the browser is in.

const { lang, dataset } = document.documentElement;
const format = (parts) =>
  new Intl.DateTimeFormat(lang === "en" ? "en-GB" : lang, { timeZone: dataset.zone, hourCycle: "h23", ...parts });

const minute = { hour: "2-digit", minute: "2-digit" };
const dayOfYear = { month: lang === "en" ? "short" : "long", day: "numeric" };
const wholeDay = format({ year: "numeric", month: "2-digit", day: "2-digit" });
const minutes = format(minute);
const seconds = format({ ...minute, second: "2-digit" });
const days = format(dayOfYear);

/** Whether a moment is of the day that it is now on the campus. */
export const isToday = (moment) => wholeDay.format(moment) === wholeDay.format(new Date());

/** Hours and minutes: 04:42. */
export const minuteOf = (moment) => minutes.format(moment);

/** A day without its year: 11月28日 or 28 Nov. */
export const dayOf = (moment) => days.format(moment);

/** Hours, minutes and seconds, after the day where it is another than today. */
export const momentOf = (moment) =>
  isToday(moment) ? seconds.format(moment) : `${days.format(moment)} ${seconds.format(moment)}`;
