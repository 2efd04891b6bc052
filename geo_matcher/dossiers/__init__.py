"""The advisers' files: from an enquiry to a family that has settled, in a database.

Import the modules, not this package: it stays empty so that whoever does not use the database does
not pay for it. From the inside out: ``stages`` (what may follow what), ``fields`` (what a file
holds), ``records`` and ``database`` (where it is kept), ``desk`` and ``reading`` (an adviser's
work), ``accounts`` and ``sign_in`` (who may do what).
"""
