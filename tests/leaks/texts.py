"""An article in English and one in Khmer, each with a public and a hidden part."""

PREVIEW = """<p>The ministry opened a second bridge over the river on Monday, after four years of
work and two changes of contractor.</p>"""
SHARED = (
    "Officials in the province welcomed the decision and promised to publish the full contract."
)
REST = f"""<p>Documents seen by this newspaper show that the lowest bidder was excluded one day
before the envelopes were opened. The committee gave no reason, and its minutes are missing from the
archive.</p><!--more--><p>“Nobody asked us,” says the owner of a quarry that had
<strong>already delivered</strong> gravel worth half a million dollars. His lawyer expects a
settlement before the rainy season.</p><p>{SHARED}</p><p>Engineers who inspected the northern pier
found cracks that are wider than the standard allows. Repairs would close the bridge for eleven
weeks, according to an estimate that the ministry received in March.</p>"""
BODY = PREVIEW + REST
KHMER_PREVIEW = "<p>ក្រសួងបានបើកស្ពានទីពីរឆ្លងកាត់ទន្លេកាលពីថ្ងៃចន្ទ បន្ទាប់ពីធ្វើការអស់រយៈពេលបួនឆ្នាំ។</p>"
KHMER_REST = (
    "<p>ឯកសារដែលកាសែតនេះបានឃើញបង្ហាញថា អ្នកដេញថ្លៃទាបបំផុតត្រូវបានដកចេញមួយថ្ងៃមុនពេលបើកស្រោមសំបុត្រ។"
    " គណៈកម្មាធិការមិនបានផ្តល់ហេតុផលទេ ហើយកំណត់ហេតុរបស់ខ្លួនបានបាត់ពីបណ្ណសារ។</p>"
    "<p>វិស្វករដែលបានត្រួតពិនិត្យសរសរខាងជើងបានរកឃើញស្នាមប្រេះធំជាងស្តង់ដារអនុញ្ញាត។"
    " ការជួសជុលនឹងបិទស្ពានរយៈពេលដប់មួយសប្តាហ៍។</p>"
)
KHMER_BODY = KHMER_PREVIEW + KHMER_REST
