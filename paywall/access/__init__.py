"""The access check: may this viewer read the body of this article?"""
