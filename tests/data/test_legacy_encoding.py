"""Encodings of old text files, found from short tables in many languages."""

import pytest

from pellucid.data.legacy_encoding import legacy_encoding

TABLES = [
    ("name\nCafé\n", "cp1252 mac_roman"),
    ("nom,ville\nJérôme,Orléans\nZoë,Besançon\nFrançois,Nîmes\n", "cp1252 mac_roman cp850"),
    ("NOM,X\nJÉRÔME,1\nFRANÇOIS,2\nMÜLLER,3\n", "cp1252 mac_roman cp850"),
    ("Straße,Größe\nMünchner Straße,5\nDüsseldorf,7\n", "cp1252 mac_roman cp850"),
    ("año,niño\nEspaña,José\nMálaga,Begoña\n", "cp1252 mac_roman cp850"),
    ("cidade,x\nSão Paulo,1\nBrasília,2\nregião,2\n", "cp1252 mac_roman"),
    ("stad,x\nMalmö,1\nGöteborg,2\nVästerås,3\n", "cp1252 mac_roman cp850"),
    ("n\nJosé\nMüller\nFrançois\nÅsa\nBjørn\n", "cp1252 mac_roman cp850"),
    ("item,price\nCafé – “noir”,€5\nl’eau,€1\n", "cp1252"),
    ("temp °C,x\n5,1\n", "cp1252"),
    ("size µm,x²\n5,1\n", "cp1252"),
    ("price,x\n£5,1\n", "cp1252"),
    ("range,x\n5–10,1\n10–20,2\n", "cp1252 mac_roman"),
    ("x,err\n5,±1\n6,±2\n", "cp1252"),
    ("miasto,ulica\nŁódź,Świętokrzyska\nKraków,Długa\n", "cp1250"),
    ("město,x\nPlzeň,1\nŘíčany,2\nČeské Budějovice,3\n", "cp1250"),
    ("város,x\nGyőr,1\nSzékesfehérvár,2\n", "cp1250"),
    ("oraş,x\nBucureşti,1\nTimişoara,2\nConstanţa,4\n", "cp1250"),
    ("grad,x\nŠibenik,1\nPožega,2\nČakovec,3\n", "cp1250"),
    ("şehir,x\nİstanbul,1\nDiyarbakır,2\nMuğla,3\nEskişehir,4\n", "cp1254"),
    ("город,цена\nМосква,1\nСанкт-Петербург,2\n", "cp1251 koi8_r cp866"),
    ("ГОРОД,X\nМОСКВА,1\nКАЗАНЬ,2\n", "cp1251 koi8_r cp866"),
    ("пол,возраст\nМ,20\nЖ,30\n", "cp1251 koi8_r cp866"),
    ("місто,x\nКиїв,1\nЛьвів,2\n", "cp1251"),
    ("πόλη,x\nΑθήνα,1\nΘεσσαλονίκη,2\n", "cp1253"),
    ("名前,都市\n田中,東京\n鈴木,大阪\n", "cp932 euc_jp"),
    ("名前,x\nさくら,1\nたろう,2\n", "cp932 euc_jp"),
    ("姓名,城市\n张三,北京\n李四,上海\n", "gb18030"),
    ("姓名,城市\n張三,臺北\n李四,高雄\n", "big5"),
    ("이름,도시\n김철수,서울\n이영희,부산\n", "euc_kr"),
]


@pytest.mark.parametrize("rows", [1, 20])
@pytest.mark.parametrize(("text", "encodings"), TABLES, ids=[text[:8] for text, _ in TABLES])
def test_short_tables_are_decoded_rightly(text: str, encodings: str, rows: int) -> None:
    for encoding in encodings.split():
        data = (text * rows).encode(encoding)
        assert data.decode(legacy_encoding(data)) == text * rows


def test_the_encoding_of_training_wins_where_the_bytes_fit_both() -> None:
    data = "x\nGdańsk\n".encode("cp1250")
    assert legacy_encoding(data, saved="cp1250") == "cp1250"
    assert legacy_encoding("x\nМосква\n".encode("cp1251"), saved="cp1251") == "cp1251"
