"""People's own writing: dates, times, ages, prices, postcodes, yes and no, lists and addresses.

Each reader takes a text and gives a `Reading`: a value, the text, a confidence from 0 to 1, and
doubts that say what to change. What is read with less than 0.6 has no value or has a doubt. The
values are members that a listing accepts. All readers are pure and take time linear in the text.

The grammar is our own. Tried on British listings first, with the results that decided:

- python-dateutil 2.9 takes the "-12:00" of "14/6/27 10:30-12:00" for a time zone, believes
  "Tue 14 June 2027" (a Monday), turns "7/25/2022" round without a word, completes "10.30" and
  "June 2027" with today's date, and with `fuzzy` reads "Covid-19" and "Room 5" as days. Its
  `rrule` runs for seconds on a rule that never matches.
- dateparser 1.5 has the same time zone, reads "14–16 June 2027" as its first day and "8-11" and
  "Year 3" as dates, and gives nothing for "Sat 14 June 2027, 10.30am–12pm".
- recurrent 0.4 loses the times of a rule, reads "first Saturday of the month" as one Saturday,
  and starts "Tuesdays … from 7 Sept 2027" today.
- ctparse 0.3 reads "Covid-19" as seven in the evening and needs a trained model.
- price-parser 0.5 finds the first number: 30 in "group of 30", 7 in "7 week course, £40", 5 in
  "£5/£4 conc." and 50 pounds in "50p".

None tells when it guesses. nh3 cleans the HTML, and `app.kit.text` judges web addresses.
"""

from app.sources.plain_writing.ages import Ages, read_ages
from app.sources.plain_writing.dates import DateOrder, date_order, read_date
from app.sources.plain_writing.markup import read_html
from app.sources.plain_writing.postcodes import read_postcode
from app.sources.plain_writing.prices import names_money, read_price
from app.sources.plain_writing.times import TimeRange, read_time
from app.sources.plain_writing.when import When, read_when
from app.sources.plain_writing.words import (
    CONFIDENT,
    DOUBTS,
    Doubt,
    Reading,
    read_boolean,
    read_list,
    read_url,
)

GRAMMAR = 3
"""The version of these readers: part of a payload's digest, raised when one reads differently."""

__all__ = [
    "CONFIDENT",
    "DOUBTS",
    "GRAMMAR",
    "Ages",
    "DateOrder",
    "Doubt",
    "Reading",
    "TimeRange",
    "When",
    "date_order",
    "names_money",
    "read_ages",
    "read_boolean",
    "read_date",
    "read_html",
    "read_list",
    "read_postcode",
    "read_price",
    "read_time",
    "read_url",
    "read_when",
]
